import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from matl.evaluation.metrics import METRICS, Estimate, summarise
from matl.evaluation.record import RunRecord, StageRow
from matl.evaluation.report import hide_paths, write_report

FILES = {"report.md", "roc.png", "curves.png", "metrics.json", "predictions.csv", "manifest.json"}


def make_scores(skill, seed, label=None):
    generator = np.random.default_rng(seed)
    tables = []
    for split, images in (("train", 20), ("val", 24), ("test", 36)):
        labels = np.arange(images) // 3 % 2 if label is None else np.full(images, label)
        logit = skill * (labels - 0.5) + generator.normal(size=images)
        tables.append(
            pd.DataFrame(
                {
                    "image": [f"CT/{split} 100%|{number}.png" for number in range(images)],
                    "patient": [f"{split}, {number // 3:02}" for number in range(images)],
                    "source": "covid_ct",
                    "split": split,
                    "label": labels,
                    "score": (1 / (1 + np.exp(-logit))).astype(np.float32),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def make_record(**changes):
    stage = StageRow(
        name="diagnosis",
        part=3,
        task="diagnosis",
        data="covid_ct",
        images=20,
        size="32 x 32",
        epochs=3,
        seconds=2.5,
        images_per_second=24.0,
        peak_memory_mb=120.0,
        metric="val/auroc",
        value=0.75,
        fingerprint="f" * 64,
    )
    curve = pd.DataFrame(
        {"epoch": [0, 1, 2], "loss": [3.0, np.nan, 1.0], "val/loss": [3.0, 2.5, np.inf]}
        | {"gate/16": [0.1, 0.11, 0.12], "note": ["a", "b", "c"]}
    )
    values = {
        "experiment": "covid_ct",
        "command": "matl run experiments/covid_ct.yaml data_root=/home/someone/data",
        "stages": [stage],
        "diagnoses": {"chain": make_scores(1.5, 0), "floor": make_scores(0.2, 1)},
        "positive": "COVID",
        "negative": "NonCOVID",
        "curves": {"diagnosis": curve, "empty": pd.DataFrame({"epoch": [0]})},
        "manifest": {"torch": "2.15", "root": "/home/Some One/data", "share": np.float32(0.5)},
        "notes": ["2 scans | had no field.", "See /tmp/matl-1/log.txt."],
        "seeds": 2,
    }
    return RunRecord(**(values | changes))


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
    for name in ("roc.png", "curves.png"):
        with Image.open(path.parent / name) as image:
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
    for name in ("report.md", "metrics.json", "manifest.json", "predictions.csv"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        for part in ("/home", "Some One", "someone", "/tmp", "matl-1", str(tmp_path)):
            assert part not in text, name
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "matl run experiments/covid_ct.yaml data_root=…/data\n" in report
    assert "See …/log.txt." in report
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == {"torch": "2.15", "root": "…/data", "share": 0.5}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("a=/data/x b", "a=…/x b"),
        ("'/data/x'", "'…/x'"),
        ("file:///data/x", "…/x"),
        ("C:\\Users\\x", "…/x"),
        ("24 images/s, gate/16, ./a/b, ../a, ~/c", "24 images/s, gate/16, ./a/b, ../a, ~/c"),
        ("https://host/a/b", "https://host/a/b"),
        ("1 / 2", "1 / 2"),
    ],
)
def test_absolute_paths_are_shortened(text, hidden):
    assert hide_paths(text) == hidden
    assert hide_paths(hidden) == hidden


def test_one_class_is_reported_without_a_roc_curve(tmp_path):
    write_report(make_record(), tmp_path)
    record = make_record(diagnoses={"chain": make_scores(1, 0, label=0)})
    report = write_report(record, tmp_path).read_text(encoding="utf-8")
    assert not (tmp_path / "roc.png").exists()
    assert "roc.png" not in report
    header, row = read_table(report, "## Diagnosis, test split")
    assert dict(zip(header, row, strict=True))["AUROC"] == "undefined"
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    assert all(row["value"] is None for row in metrics if row["metric"] == "auroc")


def test_a_chain_without_a_diagnosis_has_a_report(tmp_path):
    report = write_report(make_record(diagnoses={}, curves={}), tmp_path)
    assert "No image of a test or val split was scored." in report.read_text(encoding="utf-8")
    assert {file.name for file in tmp_path.iterdir()} == {
        "report.md",
        "metrics.json",
        "manifest.json",
    }


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
