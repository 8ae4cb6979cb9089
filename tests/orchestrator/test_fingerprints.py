"""What is part of a stage's fingerprint, and what is not."""

from pathlib import Path

import pytest
from tiny import Load

from matl.files import file_digest
from matl.orchestrator import fingerprints as identities
from matl.orchestrator.plan import make_plan
from matl.stages.ssl.multi_scale.method import MultiScale


def fingerprints(load_tiny: Load, *overrides: str) -> list[str]:
    return [stage.fingerprint for stage in make_plan(load_tiny(*overrides)).stages]


def test_settings_added_later_leave_the_fingerprints_of_before(load_tiny: Load) -> None:
    """The first release knew these; a further key would train every finished stage again."""
    trainer = {"accelerator": "cpu", "processes": 1, "precision": "32-true"}
    versions = {"task", "rows", "backbone", "views", "pixels", "torch", "timm"}
    own = {"shapes": set(), "lung": {"method", "lungs"}, "diagnosis": {"scoring"}}
    for stage in make_plan(load_tiny()).stages:
        assert stage.identity["trainer"] == {**trainer, "channels_last": True, "compile": False}
        assert stage.identity["versions"].keys() == versions | own[stage.name]
        assert "ordered" not in stage.identity["stage"]


def test_what_cannot_change_a_result_is_left_out(load_tiny: Load) -> None:
    for word in ("trainer.max_restarts=3", "trainer.threads=2", "name=other"):
        assert fingerprints(load_tiny, word) == fingerprints(load_tiny)
    two = fingerprints(load_tiny, "trainer.devices=2")
    assert fingerprints(load_tiny, "trainer.devices=1", "trainer.nodes=2") == two
    assert two != fingerprints(load_tiny)


def test_another_version_of_a_method_retrains_that_method_alone(
    load_tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes, lung, diagnosis = fingerprints(load_tiny)
    monkeypatch.setattr(MultiScale, "VERSION", MultiScale.VERSION + 1)
    after = fingerprints(load_tiny)
    assert after[0] == shapes
    assert lung not in after
    assert diagnosis not in after  # it begins from that stage
    alone = fingerprints(load_tiny, "chain=[diagnosis]")
    monkeypatch.undo()
    assert alone == fingerprints(load_tiny, "chain=[diagnosis]")


def test_installed_weights_count_by_their_bytes(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identities, "wheel_file", lambda _: tmp_path / "lite.pth")
    experiment = load_tiny("backbone.name=tf_efficientnet_lite0", "backbone.weights=imagenet")
    found = []
    for content in (b"one", b"two"):
        (tmp_path / "lite.pth").write_bytes(content)
        stage = make_plan(experiment).chain[0]
        assert stage.identity["backbone"]["weights"] == file_digest(tmp_path / "lite.pth")
        found.append(stage.fingerprint)
    assert found[0] != found[1]


def test_the_version_of_monai_counts_for_its_networks_alone(load_tiny: Load) -> None:
    of_monai, of_timm = (
        make_plan(load_tiny(f"backbone.name={name}")).chain[0].identity["versions"]
        for name in ("monai/resnet10", "resnet10t")
    )
    assert of_monai.keys() - of_timm.keys() == {"monai"}
