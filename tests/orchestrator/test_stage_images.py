"""The images of a stage are opened once, and travel to processes as their folder."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny import Load, run_quietly

from data_modules.cache import ImageCache
from data_modules.errors import DataError
from matl.errors import SettingError
from matl.orchestrator.plan import PlannedStage, make_plan
from matl.orchestrator.stage_images import open_images


def test_pickled_images_are_the_same_memory_maps(load_tiny: Load) -> None:
    plan = make_plan(load_tiny())
    lung = plan.chain[1]
    images = open_images(plan.experiment, lung)
    pickled = pickle.dumps(images)
    assert len(pickled) < images.cache.images.shapes.prod(axis=1).sum()
    again = pickle.loads(pickled)
    assert isinstance(again.derived["regions"][0].base.base, np.memmap)
    assert all(map(np.array_equal, again.derived["regions"], images.derived["regions"]))
    assert again.samples.table.equals(images.samples.table)


def test_scans_without_a_lung_field_are_counted_before_training(
    load_tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matl.lung_fields.search.plausible", lambda field: False)
    plan = make_plan(load_tiny())
    images = open_images(plan.experiment, plan.chain[1])
    [note] = [one for one in images.samples.notes if "lung field" in one]
    assert note.startswith("WARNING: no lung field was found in 8 of 8 images")
    assert pickle.loads(pickle.dumps(images)).samples.notes == images.samples.notes


def test_a_run_opens_the_images_of_each_stage_once(
    load_tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    init = ImageCache.__init__

    def counted(self: ImageCache, folder: Path, *words: object) -> None:
        opened.append(folder)
        init(self, folder, *words)

    monkeypatch.setattr(ImageCache, "__init__", counted)
    run_quietly(load_tiny())
    *stages, again = opened
    assert len(stages) == len(set(stages)) == 3
    assert again == stages[-1], "of the diagnosis, for what each stage promised to it"


def test_masks_of_ones_own_are_the_fields_and_part_of_the_data(
    load_tiny: Load, tmp_path: Path, phantom_root: Path
) -> None:
    plan = make_plan(load_tiny())
    table = plan.chain[1].samples.table
    root = tmp_path / "scans"
    shutil.copytree(plan.chain[1].samples.root, root)
    for path in table["path"]:
        mask = np.zeros((64, 64), np.uint8)
        mask[8:56, 6:26], mask[8:56, 38:58] = 1, 2
        (root / "own" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / "own" / path)
    rows = pd.DataFrame({"path": table["path"], "mask": [f"own/{one}" for one in table["path"]]})
    rows.loc[0, "mask"] = ""
    rows.assign(label="").to_csv(root / "samples.csv", index=False)
    data = f"stages.lung.data={{name: csv, root: {root}, options: null}}"
    words = [data, "stages.lung.fields=masks"]

    def lung() -> PlannedStage:
        return make_plan(load_tiny(*words)).chain[1]

    images = open_images(load_tiny(*words), lung())
    fields = [np.unique(one).tolist() for one in images.derived["regions"]]
    assert fields[0] == [0]
    assert fields[1:] == [list(range(7))] * (len(table) - 1)
    [note] = [one for one in images.samples.notes if "lung field" in one]
    assert note.startswith(f"no lung field is in the masks of 1 of {len(table)} images")
    before = lung().fingerprint
    Image.fromarray(np.ones((64, 64), np.uint8)).save(root / rows["mask"][1])
    assert lung().fingerprint != before
    unread = [data]
    before = make_plan(load_tiny(*unread)).chain[1].fingerprint
    Image.fromarray(np.ones((64, 64), np.uint8)).save(root / rows["mask"][2])
    assert make_plan(load_tiny(*unread)).chain[1].fingerprint == before, "no mask is read"
    for at in (1, 2):
        Image.new("L", (9, 9)).save(root / rows["mask"][at])
    with pytest.raises(DataError, match=r"the mask is 9 x 9 pixels(.|\n)*the mask is 9 x 9"):
        open_images(load_tiny(*words), lung())
    with pytest.raises(SettingError, match="fields: masks: no image has a mask"):
        make_plan(load_tiny("stages.lung.fields=masks"))
