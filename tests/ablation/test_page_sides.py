"""The sides of the primary comparison: each patient once a seed and repeat, numbers read again."""

import pandas as pd
import pytest
from ablation_records import drawn_record
from drawn_scores import ablation_of, drawn

from matl.ablation.cells import Cell, cells_of
from matl.ablation.page_sides import scored_sides, side_training, sides
from matl.ablation.pooled_scores import pooled_scores
from matl.checksums import write_files
from matl.errors import MatlError
from matl.evaluation import scored as scored_module
from matl.files import json_bytes
from matl.names import METRICS_FILE, PREDICTIONS
from matl.report.metrics_file import score_metrics
from matl.report.run_files import stacked_csv

RECORD = drawn_record()


@pytest.fixture(scope="module")
def pooled() -> dict[str, pd.DataFrame]:
    ablation = ablation_of()
    scores = {cell: drawn(cell) for cell in cells_of(ablation)}
    floors = {cell: drawn(Cell("floor", "", *list(vars(cell).values())[2:])) for cell in scores}
    return pooled_scores(ablation, scores, floors)


def test_an_image_and_a_patient_count_once_a_seed_and_repeat(pooled) -> None:
    scored = scored_sides(RECORD.primary_tested, pooled)
    images, patients = (scored.results("test", unit)[0] for unit in ("image", "patient"))
    assert (images.images, patients.images) == (72 * 3 * 2, 36 * 3 * 2)
    assert images.patients == patients.patients == 36


def test_numbers_of_the_same_scores_are_not_computed_again(pooled, tmp_path, monkeypatch) -> None:
    content = stacked_csv(pooled, "model")
    (tmp_path / PREDICTIONS).write_bytes(content)
    expected = sides(RECORD.primary_tested, tmp_path)
    numbers = score_metrics(scored_sides(RECORD.primary_tested, pooled), 3, content)
    write_files(tmp_path, {METRICS_FILE: json_bytes(numbers)})
    monkeypatch.setattr(scored_module, "summarise", None)
    found = sides(RECORD.primary_tested, tmp_path)
    assert found["confusion"] == expected["confusion"]
    assert found["caption"] == expected["caption"]


def test_before_a_seed_is_finished_there_are_no_sides(tmp_path) -> None:
    assert sides(RECORD.primary_tested, tmp_path) is None
    assert side_training(tmp_path) == []


def test_damaged_curves_are_a_mistake(tmp_path) -> None:
    (tmp_path / "curves.csv").write_text("epoch")
    with pytest.raises(MatlError, match=r"curves\.csv: is damaged"):
        side_training(tmp_path)
