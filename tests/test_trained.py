"""A finished stage as an object needs neither its data nor its experiment."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from damaged import damage, flip
from tiny import Load, run_quietly

import matl
from matl.errors import MatlError
from matl.manifest import read_manifest, write_manifest
from matl.names import BACKBONE, MANIFEST, SCORES
from matl.orchestrator.store import Store
from matl.sealed import sealed, unsealed
from matl.trained import load_trained


def trained_folder(load_tiny: Load, tmp_path: Path) -> tuple[Path, Path, Path]:
    """The run, its diagnosis's entry copied elsewhere, and the folder of its images."""
    experiment = load_tiny()
    record, run, _ = run_quietly(experiment)
    store = Store(experiment.store)
    entry = store.entry(record.stages[-1].fingerprint)
    copy = tmp_path / "elsewhere"
    shutil.copytree(entry, copy)
    shapes = store.entry(record.stages[0].fingerprint)
    shutil.copytree(shapes, tmp_path / "shapes")
    return run, copy, Path(experiment.data_root)


def test_a_copied_stage_scores_as_it_did_without_store_data_or_experiment(
    load_tiny: Load, tmp_path: Path, phantom_root: Path
) -> None:
    run, copy, _ = trained_folder(load_tiny, tmp_path)
    assert matl.load_model(run).manifest == matl.load_model(copy).manifest
    for name in ("store", "runs", "tiny.yaml"):
        path = tmp_path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    model = matl.load_model(copy)
    assert (model.positive, model.size, model.channels) == (model.classes[1], (32, 32), 1)
    scores = pd.read_csv(copy / SCORES)
    files = [next(phantom_root.rglob(image)) for image in scores["image"]]
    np.testing.assert_allclose(model.scores(model.read(files)), scores["score"], atol=1e-6)


def test_a_source_stage_is_rebuilt_with_its_classes(load_tiny: Load, tmp_path: Path) -> None:
    trained_folder(load_tiny, tmp_path)
    model = load_trained(tmp_path / "shapes")
    images = torch.zeros(2, 1, 32, 32)
    assert model.stage(images)["classes"].shape == (2, len(model.classes))
    with pytest.raises(MatlError, match="is no diagnosis"):
        model.scores({"image": images.byte()})


def test_what_is_damaged_or_of_another_version_is_said(load_tiny: Load, tmp_path: Path) -> None:
    _, copy, _ = trained_folder(load_tiny, tmp_path)
    with pytest.raises(MatlError, match="holds no finished stage"):
        load_trained(tmp_path / "nowhere")
    damage(copy / BACKBONE, flip)
    with pytest.raises(MatlError, match="is damaged"):
        load_trained(copy)
    manifest = unsealed((copy / MANIFEST).read_bytes())
    (copy / MANIFEST).write_bytes(sealed(manifest | {"epochs": "two"}))
    with pytest.raises(MatlError, match="epochs is of another type"):
        load_trained(copy)
    (copy / MANIFEST).write_text(json.dumps(manifest | {"epochs": 1}))
    with pytest.raises(MatlError, match="is damaged"):
        load_trained(copy)
    (copy / MANIFEST).write_text(json.dumps(manifest | {"format": 1}))
    with pytest.raises(MatlError, match="another version of matl"):
        load_trained(copy)


def test_a_stage_that_its_tasks_code_no_longer_fits_is_one_line(
    load_tiny: Load, tmp_path: Path
) -> None:
    _, copy, _ = trained_folder(load_tiny, tmp_path)
    whole = read_manifest(copy)
    for changed in (
        replace(whole, settings=whole.settings | {"gone": 1}),
        replace(whole, facts=whole.facts | {"gone": 1}),
        replace(whole, backbone=whole.backbone | {"gone": 1}),
        replace(whole, settings=whole.settings | {"task": "gone:Task"}),
    ):
        write_manifest(changed, copy)
        with pytest.raises(MatlError, match=rf"^{copy}: .*gone"):
            load_trained(copy)


def test_paths_are_a_list(load_tiny: Load, tmp_path: Path) -> None:
    _, copy, _ = trained_folder(load_tiny, tmp_path)
    for paths in ("scan.png", []):
        with pytest.raises(MatlError, match="takes a list of one path and more"):
            load_trained(copy).read(paths)


def test_the_network_refuses_images_that_are_not_scaled(load_tiny: Load, tmp_path: Path) -> None:
    _, copy, _ = trained_folder(load_tiny, tmp_path)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        load_trained(copy).backbone(torch.zeros(1, 1, 32, 32, dtype=torch.uint8))
