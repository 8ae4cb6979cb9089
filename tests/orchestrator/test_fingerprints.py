"""What is part of a stage's fingerprint, and what is not."""

import pytest
from tiny import Load

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
