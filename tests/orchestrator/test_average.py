"""The weights that are kept are the mean of the last epochs', also of a run that was broken off."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from interrupted import BrokenOff, failing_at
from sklearn.metrics import roc_auc_score
from tiny import Load, run_quietly, weights

from matl.backbones import read_weights
from matl.errors import MatlError
from matl.names import HEADS, SCORES
from matl.orchestrator.average import LastEpochs
from matl.orchestrator.store import Store
from matl.stages.base import Stage

WORDS = ("chain=[diagnosis]", "stages.diagnosis.epochs=3", "stages.diagnosis.average=2")


def test_the_last_epochs_are_averaged(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[dict[str, torch.Tensor]] = []
    whole = LastEpochs.on_train_epoch_end

    def noted(self: LastEpochs, trainer: object, stage: Stage) -> None:
        epochs.append({name: one.clone() for name, one in stage.heads.state_dict().items()})
        whole(self, trainer, stage)  # type: ignore[arg-type]

    monkeypatch.setattr(LastEpochs, "on_train_epoch_end", noted)
    run_quietly(load_tiny(*WORDS))
    store = Store(tmp_path / "store")
    kept, _ = read_weights(store.file(next(iter(store)), HEADS))
    assert len(epochs) == 3
    [scores] = [store.file(entry, SCORES) for entry in store]
    val = pd.read_csv(scores).query("split == 'val'")
    said = store.manifest(next(iter(store))).metric["value"]
    assert said == pytest.approx(roc_auc_score(val["label"], val["score"]), abs=1e-6)
    for name, value in kept.items():
        torch.testing.assert_close(value, (epochs[1][name] + epochs[2][name]) / 2)
        assert not torch.equal(value, epochs[2][name])


@pytest.mark.parametrize("place", [(1, 1), (2, 0), (2, 1)])
def test_a_run_that_was_broken_off_ends_with_the_same_mean(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[int, int]
) -> None:
    run_quietly(load_tiny(*WORDS, f"store={tmp_path / 'straight' / 'store'}"))
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "training_step", failing_at(*place))
        with pytest.raises(BrokenOff):
            run_quietly(load_tiny(*WORDS))
    run_quietly(load_tiny(*WORDS))
    assert weights(tmp_path) == weights(tmp_path / "straight")


def test_more_epochs_than_there_are_cannot_be_averaged(load_tiny: Load) -> None:
    with pytest.raises(MatlError, match=r"stages\.lung\.average: 9 is more than .* 2 epochs"):
        load_tiny("stages.lung.average=9")
