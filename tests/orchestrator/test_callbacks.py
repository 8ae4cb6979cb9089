"""What is shown while a stage trains."""

import re

import pytest

from matl.orchestrator.callbacks import epoch_line

VALUES = {"loss": 0.6931, "val/auroc": 0.5, "val/accuracy": 12345.678, "region/accuracy": 0.25}


@pytest.mark.parametrize("width", range(12, 120))
def test_an_epoch_is_one_line_of_whole_numbers(width: int) -> None:
    line = epoch_line("diagnosis, from scratch", "epoch 7 of 60", VALUES, width)
    assert len(line) <= max(width, len("  …: epoch 7 of 60"))
    assert "epoch 7 of 60" in line
    whole = {f"{value:.3f}" for value in VALUES.values()}
    assert set(re.findall(r"\d+\.\d+", line)) <= whole


def test_the_loss_stands_first_and_all_are_shown_where_they_fit() -> None:
    narrow = epoch_line("lung", "epoch 1 of 2", VALUES, 36)
    assert narrow == "  lung: epoch 1 of 2: loss 0.693"
    wide = epoch_line("lung", "epoch 1 of 2", VALUES, 120)
    assert all(name in wide for name in VALUES)
