"""The numbers of metrics.json are read again while they are of the same scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_records import make_record, make_scores

from matl.checksums import write_files
from matl.evaluation import scored as scored_module
from matl.evaluation.metrics import METRICS
from matl.evaluation.scored import Scored
from matl.report import metrics_file
from matl.report.run_files import read_record
from matl.report.run_report import write_report


@pytest.fixture
def record():
    scores = {name: make_scores(skill, 0) for name, skill in (("chain", 1.5), ("floor", 0.2))}
    for table in scores.values():
        table["source"] = np.where(table["patient"].str[-1].astype(int) < 6, "north", "south")
    leaking = frozenset([("north", "test, 01"), ("south", "test, 07")])
    return make_record(scored=Scored(scores, "COVID", "NonCOVID", leaking=leaking))


def asked(scored: Scored) -> list:
    """All that a page asks for."""
    splits = scored.splits()
    units = ("image", "patient")
    return [
        *(scored.results(split, unit) for split in splits for unit in units),
        *(scored.sources(split) for split in splits),
        *(scored.paired(split) for split in splits),
        scored.calibrations(),
        *(asked_without_leaks(scored)),
    ]


def asked_without_leaks(scored: Scored) -> list:
    clean = scored.without_leaks()
    units = ("image", "patient") if clean else ()
    return [*(clean.results("test", unit) for unit in units), clean and clean.paired("test")]


def computed(scored: Scored) -> list:
    """What is known of results before anything was asked for."""
    return [key for key in scored.known if key[0] == "results"]


def test_what_is_read_is_what_was_computed(tmp_path: Path, record, monkeypatch) -> None:
    write_report(record, tmp_path)
    expected = asked(record.scored)
    monkeypatch.setattr(scored_module, "summarise", None)
    monkeypatch.setattr(scored_module, "by_source", None)
    monkeypatch.setattr(scored_module, "paired", None)
    monkeypatch.setattr(scored_module, "calibrate", None)
    assert asked(read_record(tmp_path).scored) == expected


def test_patients_with_one_image_are_read_too(tmp_path: Path, monkeypatch) -> None:
    alone = make_scores(1, 0)
    record = make_record(diagnoses={"chain": alone.assign(patient=alone["image"])})
    write_report(record, tmp_path)
    expected = record.scored.results("test", "patient")
    monkeypatch.setattr(scored_module, "summarise", None)
    assert read_record(tmp_path).scored.results("test", "patient") == expected


@pytest.mark.parametrize("constant", [[], ["from scratch"]])
def test_a_difference_without_an_error_is_read_as_one(tmp_path: Path, constant: list[str]) -> None:
    perfect = {name: table.assign(score=0.5 if name in constant else table["label"])
               for name, table in make_record().scored.models.items()}  # fmt: skip
    record = make_record(diagnoses=perfect)
    write_report(record, tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())["differences"]
    assert {(one["auroc"]["error"], one["auroc"]["p"]) for one in written} == {(None, None)}
    [found] = read_record(tmp_path).scored.paired("test")
    [made] = record.scored.paired("test")
    assert repr(found) == repr(made)
    assert np.isnan(found.auroc.error)


@pytest.mark.parametrize("part", ["predictions.csv", "record.json", "metrics.json"])
def test_numbers_of_other_scores_are_not_read(tmp_path: Path, record, part: str) -> None:
    write_report(record, tmp_path)
    file = tmp_path / part
    text = file.read_text()
    changed = {
        "predictions.csv": lambda: text.replace(",0.", ",1.0e-1", 1),
        "record.json": lambda: text.replace('"positive": "COVID"', '"positive": "other"'),
        "metrics.json": lambda: text[: len(text) // 2],
    }[part]()
    assert changed != text
    file.write_text(changed)
    content = {part: changed.encode()}
    write_files(tmp_path, content)
    assert not computed(read_record(tmp_path).scored)


def test_numbers_of_an_earlier_version_are_not_read(tmp_path: Path, record, monkeypatch) -> None:
    write_report(record, tmp_path)
    assert computed(read_record(tmp_path).scored)
    monkeypatch.setattr(metrics_file, "VERSION", metrics_file.VERSION + 1)
    assert not computed(read_record(tmp_path).scored)


def test_a_report_is_written_again_the_same(tmp_path: Path, record) -> None:
    write_report(record, tmp_path / "a")
    write_report(replace(read_record(tmp_path / "a"), notes=record.notes), tmp_path / "b")
    first, second = (json.loads((tmp_path / at / "metrics.json").read_text()) for at in "ab")
    assert first == second


@pytest.fixture
def volumes() -> dict[str, pd.DataFrame]:
    """Scores of patients with two studies of three images each."""
    tables = {name: make_scores(skill, 0) for name, skill in (("chain", 1.5), ("floor", 0.2))}
    for table in tables.values():
        number = table["image"].str.extract(r"(\d+)\.png")[0].astype(int)
        table["study"] = "s" + (number // 3).astype(str)
        table["patient"] = table["split"] + (number // 6).astype(str)
    return tables


def test_studies_are_written_and_read_with_how_they_are_joined(
    tmp_path: Path, volumes: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_record(scored=Scored(volumes, "COVID", "NonCOVID", join="top_2"))
    write_report(record, tmp_path)
    expected = [record.scored.results("test", unit) for unit in ("image", "study", "patient")]
    assert [one[0].images for one in expected] == [36, 12, 6]
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert len(numbers["by_study"]) == 2 * 2 * len(METRICS)
    mixed = {"split": "test", "unit": "patient", "of_several_labels": 6}
    assert numbers["joined"]["by"] == "top_2"
    assert mixed in numbers["joined"]["mixed"]
    monkeypatch.setattr(scored_module, "summarise", None)
    again = read_record(tmp_path).scored
    assert again.join == "top_2"
    assert [again.results("test", unit) for unit in ("image", "study", "patient")] == expected


def test_studies_without_leaks_are_read_as_they_were_computed(
    tmp_path: Path, volumes: dict[str, pd.DataFrame]
) -> None:
    """Only the person who leaks has two studies, so that without them studies are patients."""
    for table in volumes.values():
        table["patient"] = table["study"].replace({"s1": "s0"})
    leaking = frozenset([("covid_ct", "s0")])
    record = make_record(scored=Scored(volumes, "COVID", "NonCOVID", leaking=leaking))
    write_report(record, tmp_path)
    expected = record.scored.without_leaks()
    found = read_record(tmp_path).scored.without_leaks()
    assert expected is not None
    assert found is not None
    assert expected.results("test", "study")[0].images == 10
    assert found.results("test", "study") == expected.results("test", "study")


def test_numbers_that_were_joined_otherwise_are_not_read(
    tmp_path: Path, volumes: dict[str, pd.DataFrame]
) -> None:
    write_report(make_record(scored=Scored(volumes, "COVID", "NonCOVID")), tmp_path)
    assert computed(read_record(tmp_path).scored)
    file = tmp_path / "record.json"
    write_files(tmp_path, {"record.json": file.read_bytes().replace(b'"mean"', b'"max"')})
    changed = read_record(tmp_path).scored
    assert changed.join == "max"
    assert not computed(changed)


def test_the_report_shows_studies_and_counts_those_of_both_labels(
    tmp_path: Path, volumes: dict[str, pd.DataFrame]
) -> None:
    record = make_record(scored=Scored(volumes, "COVID", "NonCOVID", join="noisy_or"))
    text = write_report(record, tmp_path).read_text()
    for line in (
        "### Each study once, test split",
        "### Each patient once, test split",
        "### Confusion by study, test split",
        "A study's score is the noisy-or of its images' scores; it is positive where any image is.",
        "Positive, with images of both classes: 6 patients.",
    ):
        assert line in text
    assert "6 studies" not in text
