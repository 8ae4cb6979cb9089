"""What backbones promise to a diagnosis is computed once, from its training images alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import Load, run_quietly

from matl.evaluation.transferability import h_score, log_me, trans_rate
from matl.names import BACKBONE, STARTS
from matl.orchestrator import collect_starts
from matl.orchestrator.collect_starts import begun_from
from matl.orchestrator.plan import make_plan
from matl.orchestrator.stage_images import Images, open_images
from matl.orchestrator.starts import Start, kept_start, own_start, start_scores
from matl.orchestrator.store import Store
from matl.report.rows import FROM_SCRATCH
from matl.trained import load_backbone
from matl.views import Fitting, plain_view

CHAIN = ("logger.wandb=disabled", "stages.lung.epochs=1", "stages.diagnosis.epochs=1")


def test_promises_and_gains_of_a_run(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = load_tiny(*CHAIN, "baselines=[scratch]")
    record, folder, _ = run_quietly(experiment)
    plan, store = make_plan(experiment), Store(tmp_path / "store")
    last = plan.chain[-1]
    scratch, shapes, lung = record.starts
    assert [row.begins for row in record.starts] == [FROM_SCRATCH, "shapes", "lung"]
    assert scratch.gain is None
    assert shapes.gain is None, "no diagnosis in the store begins there"
    [pair] = [one for one in record.scored.paired("test") if one.second == FROM_SCRATCH]
    assert lung.gain == pytest.approx(pair.auroc.value if pair.auroc else None)
    assert (lung.metric, lung.split) == ("AUROC", "test")

    assert plan.scratch is not None
    assert begun_from(Start(None), last) == plan.scratch.fingerprint
    assert begun_from(own_start(last), last) == last.fingerprint
    own = kept_start(own_start(last), last, store)
    assert own is not None
    assert own.log_me == lung.log_me
    for name in ("report.md", "report.html"):
        text = (folder / name).read_text()
        assert "Transferability towards the diagnosis" in text
        assert f"{lung.log_me:.3f}".lstrip("-") in text

    monkeypatch.setattr(collect_starts, "open_images", lambda *_: pytest.fail("looked again"))
    run_quietly(load_tiny(*CHAIN, "chain=[shapes,diagnosis]", "baselines=[]"))
    again, *_ = run_quietly(experiment)
    assert [row.log_me for row in again.starts] == [row.log_me for row in record.starts]
    assert again.starts[1].gain is not None, "the store has that diagnosis now"


def test_scores_are_of_the_labelled_training_images_alone(load_tiny: Load, tmp_path: Path) -> None:
    plan = make_plan(load_tiny(*CHAIN, "chain=[shapes,diagnosis]", "baselines=[]"))
    run_quietly(plan.experiment)
    store, last, parent = Store(tmp_path / "store"), plan.chain[-1], plan.chain[0].fingerprint
    opened = open_images(plan.experiment, last)
    table = opened.samples.table
    weights = store.file(parent, BACKBONE)
    network = load_backbone(plan.experiment.backbone, weights).eval()
    features, classes = [], []
    for row in np.flatnonzero((table["split"] == "train") & (table["label"] != "")):
        image = torch.from_numpy(np.array(opened.cache.images[row]))[None]
        view = plain_view(image, Fitting((32, 32), "crop")).image
        with torch.no_grad():
            features.append(list(network(view).values())[-1].mean((2, 3))[0].numpy())
        classes.append(opened.samples.targets()[row])
    expected = [one(np.stack(features), np.array(classes)) for one in (log_me, h_score, trans_rate)]
    found = kept_start(own_start(last), last, store)
    assert found is not None
    assert found.images == len(features)
    assert [found.log_me, found.h_score, found.trans_rate] == pytest.approx(expected, rel=1e-3)


def test_a_damaged_file_is_computed_again_and_held_out_labels_change_nothing(
    load_tiny: Load, tmp_path: Path
) -> None:
    plan = make_plan(load_tiny(*CHAIN, "chain=[diagnosis]"))
    run_quietly(plan.experiment)
    store, last = Store(tmp_path / "store"), plan.chain[-1]
    [file] = (store.root / STARTS).iterdir()
    before = kept_start(Start(None), last, store)
    file.write_bytes(b"{}")
    assert kept_start(Start(None), last, store) is None

    def turned() -> Images:
        """The images, those that are held out with the other label."""
        opened = open_images(plan.experiment, last)
        negative, positive = opened.samples.classes
        table = opened.samples.table
        other = table["label"].map({negative: positive, positive: negative})
        label = table["label"].where(table["split"] == "train", other)
        opened.samples = replace(opened.samples, table=table.assign(label=label))
        assert not label.equals(pd.Series(table["label"]))
        return opened

    assert start_scores(Start(None), last, plan.experiment, store, turned) == before
    assert kept_start(Start(None), last, store) == before
