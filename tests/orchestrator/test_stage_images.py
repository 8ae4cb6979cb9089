"""The images of a stage are opened once, and travel to processes as their folder."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from tiny import Load, run_quietly

from data_modules.cache import ImageCache
from matl.orchestrator.plan import make_plan
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
    assert len(opened) == 3
