import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_records import make_record, make_scores
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from matl.evaluation.joining import by_unit
from matl.evaluation.metrics import METRICS, Estimate, summarise
from matl.evaluation.statistics.calibration import (
    apply_temperature,
    calibration_error,
    fit_temperature,
)
from matl.report.html.run_page import write_run_page
from matl.report.run_report import write_report

DATA = {"metrics.json", "manifest.json", "record.json"}
FILES = {"SHA256SUMS", "report.md", "predictions.csv", "curves.csv", *DATA}


def read_table(report, heading):
    """The cells of the first Markdown table behind a heading, header first."""
    lines = report.split(heading, 1)[1].strip().splitlines()
    rows = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            break
    return [rows[0], *rows[2:]]


def test_report_holds_its_files_and_no_others(tmp_path):
    path = write_report(make_record(), tmp_path / "report")
    assert path == tmp_path / "report" / "report.md"
    assert {file.name for file in path.parent.iterdir()} == FILES


def test_its_figures_are_those_of_the_page(tmp_path):
    report = write_report(make_record(), tmp_path).read_text(encoding="utf-8")
    write_run_page(tmp_path)
    shown = re.findall(r"!\[.*\]\((.+?)\)", report)
    assert {"figures/roc.png", "figures/training-1-diagnosis.png"} <= set(shown)
    for name in shown:
        with Image.open(tmp_path / name) as image:
            image.load()
            assert min(image.size) > 300
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_numbers_in_the_report_are_those_of_metrics_json(tmp_path):
    report = write_report(make_record(), tmp_path).read_text(encoding="utf-8")
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    shown = {}
    for split in ("test", "val"):
        header, *rows = read_table(report, f"## Diagnosis, {split} split, positive = COVID")
        for model, *cells in rows:
            for label, cell in zip(header[1:], cells, strict=True):
                shown[model, split, label] = cell
    stored = {
        (row["model"], row["split"], METRICS[row["metric"]]): str(
            Estimate(row["value"], row["low"], row["high"])
        )
        for row in metrics["metrics"]
    }
    assert shown == stored
    assert len(stored) == 2 * 2 * len(METRICS)
    for row in metrics["metrics"]:
        assert (row["positive"], row["negative"], row["seeds"]) == ("COVID", "NonCOVID", 2)
        assert row["patients"] == row["images"] / 3


def read_metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_patients_with_several_images_are_also_counted_once(tmp_path):
    record = make_record()
    report = write_report(record, tmp_path).read_text(encoding="utf-8")
    header, *rows = read_table(report, "### Each patient once")
    stored = [row for row in read_metrics(tmp_path)["by_patient"] if row["split"] == "test"]
    assert {(row["images"], row["patients"]) for row in stored} == {(12, 12)}
    auroc = {row["model"]: row for row in stored if row["metric"] == "auroc"}
    for name, scores in record.scored.models.items():
        once = by_unit(scores[scores["split"] == "test"], "patient")
        assert auroc[name]["value"] == roc_auc_score(once["label"], once["score"])
        shown = next(row for row in rows if row[0] == name)[header.index("AUROC")]
        assert shown.startswith(f"{auroc[name]['value']:.3f} [")


def test_patients_with_one_image_are_counted_in_one_table(tmp_path):
    alone = make_scores(1, 0)
    record = make_record(diagnoses={"chain": alone.assign(patient=alone["image"])})
    report = write_report(record, tmp_path).read_text(encoding="utf-8")
    assert "Each patient once" not in report
    assert read_metrics(tmp_path)["by_patient"] == []


def test_several_sources_are_shown_one_by_one(tmp_path):
    scores = make_scores(1, 0)
    scores["source"] = np.where(scores["patient"].str[-1].astype(int) < 6, "north|a", "south")
    report = write_report(make_record(diagnoses={"chain": scores}), tmp_path).read_text("utf-8")
    header, *rows = read_table(report, "### Each source alone, test split")
    assert header == ["Source", "Model", "Images", "Patients", "Positives", "AUROC", "Accuracy"]
    stored = {
        row["source"]: row
        for row in read_metrics(tmp_path)["by_source"]
        if (row["split"], row["metric"]) == ("test", "auroc")
    }
    assert [row[0] for row in rows] == [r"north\|a", "south"]
    for row, source in zip(rows, ("north|a", "south"), strict=True):
        part = scores[(scores["split"] == "test") & (scores["source"] == source)]
        assert row[2] == str(len(part)) == str(stored[source]["images"])
        assert row[5].startswith(f"{roc_auc_score(part['label'], part['score']):.3f} [")
        assert row[5].startswith(f"{stored[source]['value']:.3f} [")


def test_one_source_is_not_shown_twice(tmp_path):
    report = write_report(make_record(), tmp_path).read_text(encoding="utf-8")
    assert "Each source alone" not in report
    assert read_metrics(tmp_path)["by_source"] == []


def test_the_temperature_is_of_val_and_the_calibration_of_test(tmp_path):
    too_sure = make_scores(1.5, 0)
    too_sure["score"] = expit(3 * logit(too_sure["score"].astype(float)))
    report = write_report(make_record(diagnoses={"chain": too_sure}), tmp_path).read_text("utf-8")
    (stored,) = read_metrics(tmp_path)["calibration"]
    val, test = (too_sure[too_sure["split"] == split] for split in ("val", "test"))
    temperature = fit_temperature(val["label"].to_numpy(), val["score"].to_numpy())
    scaled = apply_temperature(test["score"].to_numpy(), temperature)
    assert stored["temperature"] == pytest.approx(temperature)
    label = test["label"].to_numpy()
    assert stored["error"] == pytest.approx(calibration_error(label, test["score"].to_numpy()))
    assert stored["scaled_error"] == pytest.approx(calibration_error(label, scaled))
    numbers = [stored["error"], temperature, stored["scaled_error"], stored["by_chance"]]
    assert f"| chain | {' | '.join(f'{one:.3f}' for one in numbers)} |" in report


def test_where_no_temperature_fits_the_error_is_told_alone(tmp_path):
    reverse = make_scores(-3, 0)
    report = write_report(make_record(diagnoses={"chain": reverse}), tmp_path).read_text("utf-8")
    (stored,) = read_metrics(tmp_path)["calibration"]
    assert stored["temperature"] is stored["scaled_error"] is None
    assert f"| chain | {stored['error']:.3f} |  |  | {stored['by_chance']:.3f} |" in report


def test_without_val_nothing_is_said_of_a_temperature(tmp_path):
    scores = make_scores(1, 0)
    record = make_record(diagnoses={"chain": scores[scores["split"] == "test"]})
    assert "temperature" not in write_report(record, tmp_path).read_text(encoding="utf-8")
    assert read_metrics(tmp_path)["calibration"] == []


def test_metrics_can_be_computed_again_from_the_predictions(tmp_path):
    write_report(make_record(), tmp_path)
    predictions = pd.read_csv(tmp_path / "predictions.csv", dtype={"patient": str})
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    assert set(predictions["split"]) == {"train", "val", "test"}
    for (model, split), part in predictions.groupby(["model", "split"]):
        stored = {
            row["metric"]: Estimate(row["value"], row["low"], row["high"])
            for row in metrics
            if (row["model"], row["split"]) == (model, split)
        }
        assert stored == ({} if split == "train" else summarise(part))


def test_no_absolute_path_is_written(tmp_path):
    write_report(make_record(), tmp_path)
    for name in ("report.md", "metrics.json", "manifest.json", "predictions.csv", "record.json"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        for part in ("/home", "Some One", "someone", "/tmp", "matl-1", str(tmp_path)):
            assert part not in text, name
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "matl run experiments/covid_ct.yaml data_root=…/data\n" in report
    assert "See …/log.txt." in report
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == {"torch": "2.15", "root": "…/data", "share": 0.5}


def test_one_class_is_reported_without_a_roc_curve(tmp_path):
    write_report(make_record(), tmp_path)
    record = make_record(diagnoses={"chain": make_scores(1, 0, label=0)})
    report = write_report(record, tmp_path).read_text(encoding="utf-8")
    assert "roc.png" not in report
    header, row = read_table(report, "## Diagnosis, test split")
    assert dict(zip(header, row, strict=True))["AUROC"] == "undefined"
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    assert all(row["value"] is None for row in metrics if row["metric"] == "auroc")


def test_a_chain_without_a_diagnosis_has_a_report(tmp_path):
    report = write_report(make_record(diagnoses={}, curves={}), tmp_path)
    assert "No image of a test or val split was scored." in report.read_text(encoding="utf-8")
    assert {file.name for file in tmp_path.iterdir()} == {"report.md", "SHA256SUMS", *DATA}


def test_invalid_scores_leave_the_old_report(tmp_path):
    write_report(make_record(), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    broken = make_scores(1, 0).assign(score=np.nan)
    with pytest.raises(ValueError, match="no probability"):
        write_report(make_record(diagnoses={"chain": broken}), tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_same_record_is_written_the_same(tmp_path):
    for name in ("a", "b"):
        write_report(make_record(), tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_text_that_markdown_would_read_is_printed_as_it_is(tmp_path):
    record = make_record(experiment="a_b*c*", manifest={"log": "```x```"})
    report = write_report(record, tmp_path).read_text(encoding="utf-8")
    assert report.startswith("# a_b\\*c\\*\n")
    assert r"2 scans \| had no field." in report
    assert "````json\n" in report


def test_the_confusion_of_the_first_split_is_shown_by_image_and_by_patient(tmp_path):
    report = write_report(make_record(), tmp_path).read_text(encoding="utf-8")
    for unit, counted in (("image", 36), ("patient", 12)):
        header, *rows = read_table(report, f"### Confusion by {unit}, test split")
        assert header[1:3] == ["true positives", "false negatives"]
        assert [sum(map(int, row[1:5])) for row in rows] == [counted, counted]
    assert "val split" not in report.split("### Confusion")[1].split("##")[0]
