"""Where memory runs out, a stage says so, or continues with half the batch."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from interrupted import BrokenOff
from tiny import Load, run_quietly, weights
from torch import Tensor

from matl.errors import OutOfMemory
from matl.names import MANIFEST
from matl.orchestrator.batch import half
from matl.orchestrator.plan import make_plan
from matl.stages.base import Stage

LUNG = ("chain=[lung,diagnosis]", "stages.lung.batch_size=8", "stages.lung.checkpoint_every=1")


def fits(images: int, broken_at: int | None = None) -> Callable[..., Tensor]:
    """A training step that asks for more memory than there is where a batch is larger."""
    whole = Stage.training_step

    def training_step(stage: Stage, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        if len(batch["image"]) > images:
            torch.empty(2**60, dtype=torch.uint8)
        if stage.config.task == "lung_ssl" and stage.trainer.global_step == broken_at:
            raise BrokenOff
        return whole(stage, batch, batch_idx)

    return training_step


def test_a_batch_that_does_not_fit_is_refused(
    load_tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "training_step", fits(4))
    with pytest.raises(OutOfMemory, match=r"^stages\.lung: out of memory at batch_size 8; set a"):
        run_quietly(load_tiny(*LUNG))


@pytest.mark.slow
def test_half_the_batch_is_trained_kept_and_noted(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = (*LUNG, "trainer.auto_batch=true")
    with monkeypatch.context() as small:
        small.setattr(Stage, "training_step", fits(4, broken_at=3))
        with pytest.raises(BrokenOff):
            run_quietly(load_tiny(*auto))
        small.undo()
        small.setattr(Stage, "training_step", fits(4))
        record, _, shown = run_quietly(load_tiny(*auto))  # it remembers, and need not run out
    assert "out of memory" not in shown
    assert any("lung was trained with batch_size 4, not 8" in note for note in record.notes)
    manifest = json.loads(
        (tmp_path / "store" / record.stages[0].fingerprint / MANIFEST).read_text()
    )
    assert manifest["batch_size"] == 4
    assert manifest["identity"]["stage"]["batch_size"] == 8
    asked = (*LUNG, "stages.lung.batch_size=4", f"store={tmp_path / 'asked' / 'store'}")
    run_quietly(load_tiny(*asked))
    assert [*weights(tmp_path).values()] == [*weights(tmp_path / "asked").values()]


def test_what_shrinks_is_said(load_tiny: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "training_step", fits(4))
    _, _, shown = run_quietly(load_tiny(*LUNG, "trainer.auto_batch=true"))
    assert "lung: out of memory; it restarts with batch_size 4 instead of 8" in shown
    assert "the region term finds negatives in fewer scans" in shown


def test_a_shrinking_batch_is_another_stage(load_tiny: Load) -> None:
    plain, auto = (
        make_plan(load_tiny(f"trainer.auto_batch={choice}")).chain[0] for choice in (False, True)
    )
    assert plain.fingerprint != auto.fingerprint
    assert auto.identity["trainer"].pop("auto_batch") is True
    assert auto.identity == plain.identity


@pytest.mark.parametrize(
    ("batch", "processes", "smaller"),
    [(8, 1, 4), (3, 1, None), (4, 1, 2), (12, 4, None), (20, 2, 10), (18, 2, 8)],
)
def test_half_a_batch_leaves_each_process_two_images(
    batch: int, processes: int, smaller: int | None
) -> None:
    assert half(batch, processes) == smaller
