"""The tables and files of a run over three classes."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from class_scores import CLASSES, draw_scores
from records import make_record
from shown import render, words

from matl.evaluation import multi_class
from matl.evaluation.multi_class import MultiClassScored
from matl.report.closing import closing_sentence
from matl.report.html.run_page import headline, write_run_page
from matl.report.html.run_pictures import score_pictures
from matl.report.markdown import markdown_table
from matl.report.multi_class_tables import external_table, source_table, unit_table
from matl.report.run_files import read_record
from matl.report.run_record import RunRecord
from matl.report.run_report import write_report
from matl.report.score_tables import tables_of

WIDE = 180


def both_splits(skill: float, seed: int = 0) -> pd.DataFrame:
    tables = [
        draw_scores(24, 2, skill, seed + at).assign(split=split)
        for at, split in enumerate(("val", "test"))
    ]
    tables = [table.assign(image=table["split"] + "/" + table["image"]) for table in tables]
    return pd.concat(tables, ignore_index=True)


def record_of(ordered: bool = False, **changes: object) -> RunRecord:
    models = {"chain": both_splits(2.0), "from scratch": both_splits(0.5, seed=7)}
    scored = MultiClassScored(models, CLASSES, ordered)
    return replace(make_record(), **({"scored": scored} | changes))


def test_the_kappa_is_shown_of_ordered_classes_alone() -> None:
    for ordered in (False, True):
        record = record_of(ordered)
        text = words(render(tables_of(record).diagnosis_table(record), WIDE))
        assert ("Quadratic kappa" in text) == ordered
        assert ("Classes, in their order: mild, severe, well." in text) == ordered
        assert "Left out, as they are of two classes: ROC" in text


def test_every_table_of_a_split_is_there() -> None:
    record = record_of()
    titles = [table.title for table in tables_of(record).split_tables(record, "test")]
    assert titles == [
        "Diagnosis, test split, 3 classes",
        "Differences, test split",
        "Each class against the rest, test split",
        "Each patient once, test split",
    ]
    differences = list(tables_of(record).split_tables(record, "test"))[1]
    assert [one.title for one in differences.columns][1] == "Macro AUROC"


def test_a_class_has_its_images_patients_and_rates() -> None:
    record = record_of()
    table = list(tables_of(record).split_tables(record, "test"))[2]
    first = markdown_table(table).splitlines()[2].split(" | ")
    assert first[:4] == ["| mild", "chain", "16", "8"]
    assert len(table.rows) == 3 * 2


def test_patients_of_several_classes_are_counted_where_they_are_left_out() -> None:
    table = both_splits(1.0)
    one = (table["split"] == "test") & (table["image"] == "test/ct/0.png")
    mixed = table.assign(**{"class": table["class"].where(~one, "well")})
    shown = unit_table(MultiClassScored({"chain": mixed}, CLASSES), "test", "patient")
    assert "Left out, with images of several classes: 1." in shown.caption
    alike = unit_table(MultiClassScored({"chain": table}, CLASSES), "test", "patient")
    assert "Left out" not in alike.caption
    every = table.assign(**{"class": [CLASSES[at % 2] for at in range(len(table))]})
    record = record_of(scored=MultiClassScored({"chain": every}, CLASSES))
    titles = [one.title for one in tables_of(record).split_tables(record, "test")]
    assert "Each patient once, test split" not in titles


def test_sources_and_other_data_sets_have_a_row_each() -> None:
    table = both_splits(1.0)
    far = table.assign(source="far", image="far/" + table["image"])
    joined = MultiClassScored({"chain": pd.concat([table, far])}, CLASSES)
    rows = source_table(joined, "test").rows
    assert [str(row[0]) for row in rows] == ["far", "lungs"]
    record = record_of()
    assert external_table(record, []) is None
    other = external_table(record, [replace(record, experiment="far", split_note="no file")])
    assert [str(row[0]) for row in other.rows] == ["own test split"] * 2 + ["far"] * 2


def test_the_first_screen_and_the_sentence_are_of_the_macro_auroc() -> None:
    record = record_of()
    first = headline(record.scored)
    assert (first.metric, first.classes) == ("Macro AUROC", "classes mild, severe, well")
    assert "(16 mild, 16 severe, 16 well)" in first.caption
    assert closing_sentence(record).startswith("Macro AUROC of the chain minus from scratch on the")
    assert score_pictures(record.scored) == []


def test_a_page_is_made_of_the_numbers_that_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(ordered=True)
    write_report(record, tmp_path)
    page = write_run_page(tmp_path).read_bytes()

    def computed(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(multi_class, "summarise_classes", computed)
    assert write_run_page(tmp_path).read_bytes() == page
    again = read_record(tmp_path).scored
    assert again.about() == record.scored.about()
    assert again.classes_alone("test") == record.scored.classes_alone("test")


def test_numbers_are_kept_with_their_classes(tmp_path: Path) -> None:
    write_report(record_of(), tmp_path)
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert {row["metric"] for row in numbers["metrics"]} == {
        "auroc",
        "balanced_accuracy",
        "accuracy",
    }
    assert {row["name"] for row in numbers["classes"]} == set(CLASSES)
    assert sum(map(sum, numbers["confusion"][0]["counts"])) == 48
    assert not {"calibration", "threshold"} & numbers.keys()
    text = (tmp_path / "report.md").read_text()
    assert "Confusion by image, test split" in text
    assert "![" not in text.partition("## Stages")[0]


def test_class_names_are_read_as_they_were_written(tmp_path: Path) -> None:
    names = dict(zip(CLASSES, ("01", "NA", "a,b"), strict=True))
    table = both_splits(1.0).replace({"class": names})
    table = table.rename(columns={f"score_{old}": f"score_{new}" for old, new in names.items()})
    scored = MultiClassScored({"chain": table}, tuple(names.values()))
    write_report(record_of(scored=scored), tmp_path)
    again = read_record(tmp_path).scored
    pd.testing.assert_frame_equal(again.models["chain"], scored.models["chain"])
