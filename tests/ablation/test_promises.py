"""How cells rank by what their backbones promised and by what they gained."""

import numpy as np
import pandas as pd
import pytest
from drawn_scores import ablation_of
from scipy.stats import rankdata

from matl.ablation.cells import cells_of
from matl.ablation.promises import promises

CELLS = pd.DataFrame([vars(cell) for cell in cells_of(ablation_of())])


def drawn() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Promises and metrics of all cells; folds are of very different difficulty."""
    random = np.random.default_rng(4)
    rise = CELLS["regime"].map({"scratch": 0.0, "xray": 0.02, "full": 0.05})
    auroc = 0.6 + 0.1 * CELLS["fold"] + rise + 0.01 * random.normal(size=len(CELLS))
    log_me = -CELLS["fold"] + 3 * rise + 0.01 * random.normal(size=len(CELLS))
    kept = CELLS.assign(log_me=log_me, h_score=0.5, trans_rate=-log_me)
    return kept, CELLS.assign(auroc=auroc)


def test_ranks_are_those_of_what_was_added_to_the_same_cell_from_scratch() -> None:
    kept, cells = drawn()
    _, found = promises(kept, cells, "auroc")
    keys = ["arm", "split", "seed", "repeat", "fold"]
    whole = kept.assign(auroc=cells["auroc"])
    scratch = whole[whole["regime"] == "scratch"]
    pairs = whole[whole["regime"] != "scratch"].merge(scratch, on=keys, suffixes=("", "_scratch"))
    promised = rankdata(pairs["log_me"] - pairs["log_me_scratch"])
    gained = rankdata(pairs["auroc"] - pairs["auroc_scratch"])
    expected = np.corrcoef(promised, gained)[0, 1]
    assert {one.score: one.value for one in found} == pytest.approx(
        {"log_me": expected, "trans_rate": -expected}
    )
    assert {one.cells for one in found} == {len(pairs)}
    assert expected > 0.4


def test_a_row_is_the_mean_over_the_cells_of_an_arm_and_a_regime() -> None:
    kept, cells = drawn()
    rows, _ = promises(kept, cells, "auroc")
    assert len(rows) == 3 * 3 * 2
    [row] = [one for one in rows if (one.arm, one.regime, one.split) == ("plain", "full", "folds")]
    own = kept[(kept["arm"] == "plain") & (kept["regime"] == "full") & (kept["split"] == "folds")]
    assert row.cells == len(own) == 18
    assert row.scores["log_me"] == pytest.approx(own["log_me"].mean())


def test_unfinished_cells_and_too_few_are_not_ranked() -> None:
    kept, cells = drawn()
    unfinished = cells.assign(auroc=cells["auroc"].where(cells["seed"] == 0))
    rows, found = promises(kept, unfinished, "auroc")
    assert {one.cells for one in rows} == {6, 1}
    assert {one.cells for one in found} == {6 * 6 + 6}
    few = (cells["arm"] == "plain") & (cells["split"] == "official")
    assert (
        promises(
            kept, cells.assign(auroc=cells["auroc"].where(few & (cells["seed"] == 0))), "auroc"
        )[1]
        == []
    )
    assert promises(kept, CELLS, "auroc") == ([], [])
    assert promises(kept.iloc[:0], cells, "auroc") == ([], [])
