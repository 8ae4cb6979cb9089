"""What `import matl` offers."""

import subprocess
import sys
from pathlib import Path

import pytest
from public_miniatures import MINIATURES
from tiny import Load, run_quietly

import matl
from matl.errors import MatlError


def test_every_name_can_be_imported() -> None:
    for name in matl.__all__:
        assert getattr(matl, name) is not None
    assert set(matl.__all__) <= set(dir(matl))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        matl.nothing  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys, matl; print({'torch', 'numpy', 'omegaconf'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_lists_describe_what_is_built_in() -> None:
    assert set(matl.list_tasks()) == {"source", "lung_ssl", "diagnosis"}
    assert "multi_scale" in matl.list_methods()
    assert {"covid_ct", "folder"} <= set(matl.list_data_sets())
    for lists in (matl.list_tasks(), matl.list_methods(), matl.list_data_sets()):
        assert all(text for text in lists.values())


def test_public_data_sets_are_described_and_checked(tmp_path: Path) -> None:
    assert matl.describe_data_set("covid_ct").images() == 746
    MINIATURES["natural_images"](tmp_path)
    assert matl.check_data_set("natural_images", tmp_path).complete
    (tmp_path / "val" / "n01" / "d.JPEG").unlink()
    assert not matl.check_data_set("natural_images", tmp_path).complete


def built(load_tiny: Load, **diagnosis: object) -> matl.Experiment:
    """An experiment as a user builds it in Python, from plain mappings."""
    places = {name: getattr(load_tiny(), name) for name in ("store", "cache", "runs", "data_root")}
    data = {"name": "phantom_ct", "options": {"patients": 8, "slices": 2, "size": 64}}
    stage = {"part": 3, "task": "diagnosis", "data": data, "size": 32, "epochs": 1}
    return matl.Experiment(
        name="built",
        backbone=matl.BackboneConfig("resnet10t", "none"),
        stages={"diagnosis": stage | {"batch_size": 4} | diagnosis},
        chain=["diagnosis"],
        trainer=matl.TrainerConfig(accelerator="cpu", threads=1, precision="32-true"),
        **places,
    )


def test_an_experiment_built_in_python_runs(load_tiny: Load) -> None:
    record, folder, _ = run_quietly(built(load_tiny))
    assert folder.name.startswith("built-")
    assert record.stages[0].epochs == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": -4}, "stages.diagnosis.epochs: -4 is not possible"),
        ({"part": "???"}, "stages.diagnosis.part: is missing"),
        ({"epoch": 4}, "stages.diagnosis.epoch: is no key here; did you mean 'epochs'"),
        ({"task": "diagnose"}, "'diagnose' is no task; did you mean 'diagnosis'"),
    ],
)
def test_it_is_checked_as_a_file_is(
    load_tiny: Load, settings: dict[str, object], message: str
) -> None:
    for use in (matl.make_plan, matl.run):
        with pytest.raises(MatlError, match=message):
            use(built(load_tiny, **settings))
