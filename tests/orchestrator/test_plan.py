"""What a plan holds, and what it must not ask for twice."""

from pathlib import Path

import pytest
from PIL import Image
from tiny import Load

from data_modules import registry
from data_modules.config import DataConfig
from matl.errors import MatlError
from matl.orchestrator.plan import Memo, make_plan, plan_checked, select_images


def test_the_training_images_are_those_of_the_tasks_splits(load_tiny: Load) -> None:
    shapes, lung, diagnosis = make_plan(load_tiny()).chain
    for stage in (shapes, lung, diagnosis):
        assert set(stage.training.table["split"]) == {"train"}
    assert set(lung.samples.table["split"]) == {"train"}
    assert set(diagnosis.samples.table["split"]) == {"train", "val", "test"}
    seen = make_plan(load_tiny("stages.lung.transductive=true")).chain[1]
    assert set(seen.training.table["split"]) == {"train", "val", "test"}


def test_plans_of_one_process_load_a_data_set_once(
    load_tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    load = registry.load

    def counted(config: object, root: Path, indexed: object, hashes: object) -> object:
        loaded.append(config)
        return load(config, root, indexed, hashes)

    monkeypatch.setattr("matl.orchestrator.plan.load", counted)
    memo = Memo()
    for seed in range(3):
        plan_checked(load_tiny(f"seed={seed}"), memo=memo)
    assert len(loaded) == 2  # shapes, and the scans that two stages share


def test_a_stage_is_named_where_its_images_do_not_suit_it(load_tiny: Load, tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / "scans" / "train" / "only" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 32), number).save(path)
    experiment = load_tiny()
    experiment.stages["shapes"].data = DataConfig("folder", root=str(tmp_path / "scans"))
    with pytest.raises(MatlError, match=r"^stages\.shapes\.data: .* a source needs 2"):
        select_images(experiment, "shapes")
