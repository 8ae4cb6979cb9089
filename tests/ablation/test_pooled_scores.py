"""What the page shows of the compared arms is pooled over the seeds that finished all of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from drawn_scores import FOLDS, IMAGES, PATIENTS, REPEATS, ablation_of, drawn
from sklearn.metrics import roc_auc_score

from matl.ablation import ablation_record
from matl.ablation.cells import Cell, cells_of
from matl.ablation.page_sides import sides
from matl.ablation.pooled_scores import pooled_scores
from matl.ablation.results import compare
from matl.errors import MatlError
from matl.names import PREDICTIONS
from matl.report.run_files import stacked_csv
from matl.report.words import joined_caption

SIDES = ["attention, full", "plain, full", "attention, from scratch", "plain, from scratch"]
ABLATION = ablation_of()
TESTED = ablation_record.Tested(
    "folds", FOLDS, REPEATS, PATIENTS * IMAGES, PATIENTS, 36, "ill", "well"
)


def pooled() -> dict[str, pd.DataFrame]:
    """All is finished but a fold of the seed 1."""
    gone = Cell("attention", "full", "folds", seed=1, repeat=1, fold=2)
    scores = {cell: drawn(cell) for cell in cells_of(ABLATION) if cell != gone}
    floors = {cell: drawn(Cell("floor", "", *list(vars(cell).values())[2:])) for cell in scores}
    return pooled_scores(ABLATION, scores, floors)


def shown(folder: Path, tables: dict[str, pd.DataFrame]) -> dict:
    (folder / PREDICTIONS).write_bytes(stacked_csv(tables, "model") or b"")
    return sides(TESTED, folder)


def test_every_image_counts_once_a_seed_and_repeat() -> None:
    tables = pooled()
    assert list(tables) == [*SIDES, "floor"]
    for table in tables.values():
        assert set(table["seed"]) == {0, 2}
        assert len(table) == 2 * REPEATS * PATIENTS * IMAGES
        assert not table.duplicated(["image", "seed", "repeat"]).any()
    assert pooled_scores(ABLATION, {}, {}) == {}


def test_the_page_shows_the_pooled_scores(tmp_path: Path) -> None:
    tables = pooled()
    found = shown(tmp_path, tables)
    roc = found["curves"][0]
    for name, table in tables.items():
        assert f"{name} {roc_auc_score(table['label'], table['score']):.3f} [" in roc.alt
    assert roc.caption.startswith("Split folds, 2 seeds pooled; positive class: ill.")
    assert "Images are ranked across folds, repeats and seeds, so" in found["about"]
    assert "72 images and 36 patients, each counted 4 times." in found["caption"]
    assert found["sources"] is None
    assert joined_caption("mean", "patient") in found["caption"]
    images, patients = (found["confusion"][unit] for unit in ("By image", "By patient"))
    assert [one.model for one in images] == [*SIDES, "floor"]
    assert {sum(one.counts.values()) for one in images} == {2 * REPEATS * PATIENTS * IMAGES}
    assert {sum(one.counts.values()) for one in patients} == {2 * REPEATS * PATIENTS}
    table = tables[SIDES[0]]
    means = table.groupby(["seed", "repeat", "patient"])[["label", "score"]].mean()
    hits = ((means["label"] == 1) & (means["score"] >= 0.5)).sum()
    assert patients[0].counts[True, True] == hits


def test_a_gain_of_one_arm_has_two_sides(tmp_path: Path) -> None:
    analysis = replace(ABLATION.analysis, comparison=["attention"])
    ablation = replace(ABLATION, analysis=analysis)
    scores = {cell: drawn(cell) for cell in cells_of(ablation)}
    tables = pooled_scores(ablation, scores, scores)
    assert list(tables) == [SIDES[0], SIDES[2], "floor"]
    assert shown(tmp_path, tables)["curves"]
    primary = next(one for one in compare(ablation, scores) if one.primary)
    assert primary.what == "attention, full minus from scratch"


def test_sources_are_shown_where_there_are_several(tmp_path: Path) -> None:
    tables = {
        name: table.assign(
            source=(table["patient"].astype(int) % 4 < 2).map({True: "a", False: "b"})
        )
        for name, table in pooled().items()
    }
    table = shown(tmp_path, tables)["sources"]
    assert [row[0].text for row in table.rows] == ["a"] * 5 + ["b"] * 5


def test_one_seed_without_folds_is_not_called_pooled(tmp_path: Path) -> None:
    one = {name: table.query("seed == 0 and repeat == 0") for name, table in pooled().items()}
    tested = replace(TESTED, folds=0, repeats=1)
    (tmp_path / PREDICTIONS).write_bytes(stacked_csv(one, "model") or b"")
    found = sides(tested, tmp_path)
    assert found is not None
    assert "ranked across" not in found["about"]
    assert "36 patients. Threshold" in found["caption"]


def test_names_hide_paths_as_everywhere() -> None:
    analysis = replace(ABLATION.analysis, comparison=["/mnt/a", "plain"])
    ablation = replace(ABLATION, analysis=analysis, arms={"/mnt/a": [], "plain": []})
    scores = {cell: drawn(cell) for cell in cells_of(ablation)}
    assert "…/a, full" in pooled_scores(ablation, scores, scores)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: text.index("\n")],
        lambda text: "model,score\na,0.5\n",
        lambda text: "model\n\x00",
        lambda text: text[: len(text) // 2].rpartition("\n")[0],
        lambda text: text.rstrip("\n").rpartition("\n")[0],
        lambda text: text.replace(",test,", ",tst,", 1),
        lambda text: text.replace(",0,0\n", ",x,0\n", 1),
        lambda text: text.replace("\nfloor,", "\nother,", 1),
        lambda text: text.replace(",0.", ",high", 1),
        lambda text: text.replace(",0.", ",-9", 1),
    ],
)
def test_damaged_scores_are_a_mistake(tmp_path: Path, damage: Callable[[str], str]) -> None:
    shown(tmp_path, pooled())
    file = tmp_path / PREDICTIONS
    whole = file.read_text()
    file.write_text(damage(whole))
    assert file.read_text() != whole
    with pytest.raises(MatlError, match=r"predictions.csv: is damaged; type the matl ablate again"):
        sides(TESTED, tmp_path)
