"""What a plan holds, and what it must not ask for twice."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import Load

from data_modules import registry
from data_modules.config import DataConfig
from data_modules.errors import DataError
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


@pytest.mark.parametrize(("processes", "expected"), [(4, "set trainer.devices=3"), (1, None)])
def test_images_must_suffice_for_the_processes(
    load_tiny: Load, tmp_path: Path, processes: int, expected: str | None
) -> None:
    for kind, number in itertools.product(("ill", "well"), range(3)):
        for split in ("train", "val", "test"):
            path = tmp_path / "scans" / split / kind / f"{split}{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn = np.random.default_rng(hash((split, kind, number)) % 2**32)
            Image.fromarray(drawn.integers(0, 256, (32, 32), dtype=np.uint8)).save(path)
    data = f"stages.diagnosis.data={{name: folder, root: {tmp_path / 'scans'}, positive: ill}}"
    words = [f"trainer.devices={processes}", "stages.diagnosis.batch_size=8", "chain=[diagnosis]"]
    experiment = load_tiny("stages.diagnosis.data.options=null", data, *words)
    if expected is None:
        assert make_plan(experiment).chain
        return
    with pytest.raises(MatlError, match=f"6 training images are too few for 4 .*{expected}"):
        make_plan(experiment)


@pytest.mark.parametrize("through", [0, 9, "2"])
def test_a_plan_ends_with_a_part_of_the_paper(load_tiny: Load, through: object) -> None:
    with pytest.raises(MatlError, match="choose from 1, 2, 3"):
        make_plan(load_tiny(), through)  # type: ignore[arg-type]


def test_plans_of_one_process_load_a_data_set_once(
    load_tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    load = registry.load

    def counted(config: object, *places: object, **options: object) -> object:
        loaded.append(config)
        return load(config, *places, **options)

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


def test_a_data_sets_function_that_fails_is_one_line(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_index.py").write_text("def index(root):\n    return {}['scans']\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    experiment = load_tiny()
    experiment.stages["shapes"].data = DataConfig("failing_index:index")
    expected = r"'failing_index:index' fails \(KeyError: 'scans', failing_index.py line 2\); fix it"
    with pytest.raises(DataError, match=expected):
        make_plan(experiment)
