"""Beside the test split's rows stand those without the images of persons who leak."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from class_scores import CLASSES, draw_scores
from report_records import make_record, make_scores

from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.scored import Scored
from matl.report.closing import closing_sentence
from matl.report.html.run_page import headline, write_run_page
from matl.report.leak_rows import all_results
from matl.report.run_files import read_record
from matl.report.run_record import RunRecord
from matl.report.run_report import write_report
from matl.report.score_tables import tables_of

MODELS = ("chain", "from scratch", "floor")
LEAKING = frozenset([("covid_ct", "test, 00"), ("covid_ct", "test, 03")])
COUNTS = "without 6 test images of 2 persons in another split, too"


@pytest.fixture
def record() -> RunRecord:
    scores = {name: make_scores(skill, 0) for skill, name in enumerate(MODELS)}
    return make_record(scored=Scored(scores, "COVID", "NonCOVID", leaking=LEAKING))


def first_cells(record: RunRecord, title: str, split: str = "test") -> list[str]:
    tables = {one.title.split(",")[0]: one for one in tables_of(record).split_tables(record, split)}
    return [row[0].text for row in tables[title].rows]


def named(*models: str) -> list[str]:
    return [*models, *(f"{name}, without leaking images" for name in models)]


def test_every_table_of_the_test_split_has_the_rows(record: RunRecord) -> None:
    assert first_cells(record, "Diagnosis") == named(*MODELS)
    assert first_cells(record, "Each patient once") == named(*MODELS)
    pairs = ("chain - from scratch", "chain - floor")
    assert first_cells(record, "Differences") == named(*pairs)
    assert first_cells(record, "Diagnosis", "val") == list(MODELS)
    (shown,) = tables_of(record).shown_tables(record)
    assert len(shown.rows) == 6
    assert COUNTS in shown.caption
    assert "left are 30 images of 10 patients" in shown.caption


def test_other_data_sets_stand_beside_both(record: RunRecord) -> None:
    other = make_record(experiment="covid_ct on mosmed")
    table = tables_of(record).external_table(record, [other])
    assert table is not None
    assert list(dict.fromkeys(row[0].text for row in table.rows)) == [
        *named("own test split"),
        "covid_ct on mosmed",
    ]


def test_the_first_screen_and_the_sentence_have_them(record: RunRecord) -> None:
    found = headline(record.scored)
    assert found is not None
    assert [name for name, _ in found.rows] == named(*MODELS)
    assert COUNTS in found.caption
    clean = record.scored.without_leaks()
    assert clean is not None
    value = clean.paired("test")[0].auroc.value
    start = "Without leaking images: AUROC of the chain minus from scratch on the test split: "
    assert f"{start}{value:+.3f}" in closing_sentence(record)


def test_the_files_have_them(tmp_path: Path, record: RunRecord) -> None:
    write_report(record, tmp_path)
    assert "| chain, without leaking images |" in (tmp_path / "report.md").read_text()
    assert "chain, without leaking images" in write_run_page(tmp_path).read_text()
    beside = json.loads((tmp_path / "metrics.json").read_text())["without_leaks"]
    assert beside["left_out"] == {"images": 6, "patients": 2}
    assert {row["images"] for row in beside["metrics"]} == {30}
    assert {row["model"] for row in beside["by_patient"]} == set(MODELS)
    read = read_record(tmp_path).scored
    assert read.leaking == LEAKING
    assert all_results(read, "test") == all_results(record.scored, "test")


def test_where_nobody_leaks_there_are_none(tmp_path: Path, record: RunRecord) -> None:
    clean = replace(record, scored=replace(record.scored, leaking=frozenset(), known={}))
    assert first_cells(clean, "Diagnosis") == list(MODELS)
    assert "eaking" not in closing_sentence(clean)
    write_report(clean, tmp_path)
    assert "eaking images" not in (tmp_path / "report.md").read_text()
    assert "without_leaks" not in json.loads((tmp_path / "metrics.json").read_text())


def test_where_all_leak_none_is_left(tmp_path: Path, record: RunRecord) -> None:
    table = record.scored.models["chain"]
    everyone = frozenset(zip(table["source"], table["patient"], strict=True))
    whole = replace(record, scored=replace(record.scored, leaking=everyone, known={}))
    (shown,) = tables_of(whole).shown_tables(whole)
    assert len(shown.rows) == 3
    assert "identical to one there; none is left." in shown.caption
    write_report(whole, tmp_path)
    write_run_page(tmp_path)


def test_several_classes_have_them_too(tmp_path: Path) -> None:
    scores = {"chain": draw_scores(12, 2, 2.0)}
    leaking = frozenset([("lungs", "p1")])
    record = make_record(scored=MultiClassScored(scores, CLASSES, leaking=leaking))
    assert first_cells(record, "Diagnosis") == named("chain")
    assert first_cells(record, "Each patient once") == named("chain")
    write_report(record, tmp_path)
    assert read_record(tmp_path).scored.leaking == leaking
