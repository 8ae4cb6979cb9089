"""The page of an ablation shows what was found, and what was not."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from browser import Browser
from tiny import console_of

from matl.ablation.ablation_files import read_ablation, write_record
from matl.ablation.ablation_record import AblationRecord
from matl.ablation.load import load_ablation
from matl.ablation.page import write_ablation_page
from matl.ablation.run import run_ablation
from matl.checksums import write_files
from matl.errors import MatlError
from matl.names import CELLS, CURVES, PREDICTIONS, RESULTS
from matl.orchestrator.store import Store
from matl.report.rows import current_name
from matl.report.run_files import read_curves

ABLATION = """
name: tiny
experiment: tiny.yaml
arms:
  attention: [backbone.operator=attention]
  convolution: [backbone.operator=convolution]
regimes:
  shapes: [shapes, diagnosis]
seeds: [0]
fractions: [0.5, 1.0]
analysis: {comparison: [attention, convolution], regime: shapes, split: official, margin: 0.05}
"""


@pytest.fixture
def folder(tiny_file: Path) -> Path:
    """The folder of a finished ablation."""
    file = tiny_file.parent / "ablation.yaml"
    file.write_text(ABLATION)
    place, failures = run_ablation(
        load_ablation(file), [], console_of()[0], command="matl ablate a"
    )
    assert failures == {}
    return place


def test_a_finished_ablation_has_a_page(folder: Path, browser: Browser) -> None:
    record = read_ablation(folder)
    check_record(record)
    browser.show()
    browser.open(folder / "report.html")
    check_first_screen(browser, record)
    check_tables(browser, record)
    figures = browser.evaluate("document.querySelectorAll('main svg').length")
    names = {file.stem for file in (folder / "figures").glob("*.svg")}
    curves = {"roc", "precision_recall", "reliability", "decision"}
    order = ("shapes", "diagnosis-shapes", "diagnosis-from-scratch")
    training = {f"training-{at}-{name}" for at, name in enumerate(order, 1)}
    assert names == {"gains-1", "gains-2", "labels-1", *curves, *training}
    assert figures == len(names)
    check_training(folder)
    browser.show(width=390)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.complaints() == []
    check_one_arm(folder, browser, record)
    check_changes(folder, browser, record)
    check_damage(folder)


def check_record(record: AblationRecord) -> None:
    assert record.primary is not None
    assert {one.stage: (one.distinct, one.uses) for one in record.costs} == {
        "diagnosis": (8, 8),
        "shapes": (2, 4),
    }
    [shapes] = [one for one in record.costs if one.stage == "shapes"]
    assert shapes.unshared_seconds == pytest.approx(2 * shapes.seconds)
    assert len(record.means) == 2 * 2 * 2
    gains = {(one.arms, one.fraction): one.plain.value for one in record.comparisons}
    means = {(one.arm, one.regime, one.fraction): one.value.value for one in record.means}
    for (arms, fraction), value in gains.items():
        each = [means[arm, "shapes", fraction] - means[arm, "scratch", fraction] for arm in arms]
        assert value == pytest.approx(each[0] - sum(each[1:]))
    assert [one.operator for one in record.networks] == ["attention", "convolution"]
    assert {one.chain for one in record.gates} == {
        "shapes",
        "shapes → diagnosis (shapes)",
        "diagnosis (from scratch)",
    }


def check_first_screen(browser: Browser, record: AblationRecord) -> None:
    header = browser.evaluate("document.querySelector('header').innerText")
    question = "Does attention gain more than convolution from the stages before the diagnosis"
    assert f"{question} (shapes: shapes → diagnosis)?" in header
    assert record.verdict in header
    found = record.primary.plain
    assert f"{found.text()} AUROC, margin 0.05" in header
    assert "95 % interval over patients alone: of one seed" in header
    assert "1 of 1 seeds" in header
    assert "fixed in analysis.json with none of its 4 cells finished" in header
    assert "Cells: 8 finished." in header


def check_tables(browser: Browser, record: AblationRecord) -> None:
    rows = json.loads(
        browser.evaluate(
            "JSON.stringify([...document.querySelectorAll('#comparisons tbody tr')]"
            ".map(row => [...row.cells].map(cell => cell.textContent.trim())))"
        )
    )
    assert rows[0][0] == "attention − convolution"
    assert [row[-1] for row in rows] == ["primary", *["exploratory"] * 5]
    cost = browser.evaluate("document.querySelector('#cost figcaption').innerText")
    assert "trained again for each cell they would have taken" in cost
    assert "matl ablate a" in browser.evaluate("document.querySelector('#provenance').textContent")


def check_training(folder: Path) -> None:
    """One seed and no folds: the mean is the stage's own curve."""
    shown = read_curves(folder)
    assert list(shown) == ["shapes", "diagnosis (shapes)", "diagnosis (from scratch)"]
    cells = pd.read_csv(folder / CELLS).set_index(["arm", "regime", "fraction"])["fingerprint"]
    for arm, regime in (("attention", "scratch"), ("convolution", "shapes")):
        logged = pd.read_csv(Store(folder.parents[1] / "store").file(cells[arm, regime, 1], CURVES))
        table = shown[f"diagnosis ({current_name(regime)})"]
        assert table["epoch"].to_list() == logged["epoch"].to_list()
        for name in ("loss", "val/auroc", "gate/16"):
            mean = table[f"{name.replace('/', ' ')}/{arm}"]
            assert mean.to_list() == pytest.approx(logged[name].to_list())
    assert not {"seconds/attention", "images/attention"} & set(shown["shapes"].columns)


def check_one_arm(folder: Path, browser: Browser, record: AblationRecord) -> None:
    """The primary comparison may be the gain of one arm."""
    gains = [replace(one, primary=one.arms == ("attention",)) for one in record.comparisons]
    write_record(replace(record, comparison=["attention"], comparisons=gains), folder)
    browser.open(write_ablation_page(folder))
    header = browser.evaluate("document.querySelector('header').innerText")
    assert "Does attention gain from the stages before the diagnosis (shapes: " in header
    assert "\nGain over training from scratch, 1 of 1 seeds" in header


def check_changes(folder: Path, browser: Browser, record: AblationRecord) -> None:
    """What is not there, or was changed, is told."""
    cells = (folder / "cells.csv").read_text()
    failed = cells.replace(",finished,", ",failed: /home/someone/a.png: <b>broken,", 1)
    write_files(folder, {CELLS: failed.encode()})
    changed = "The ablation was CHANGED after it began: every comparison here is exploratory."
    new = replace(record, comparisons=[], verdict=None, notes=[changed], changed=True)
    write_record(new, folder)
    browser.open(write_ablation_page(folder))
    header = browser.evaluate("document.querySelector('header').innerText")
    assert "no verdict\n" in header
    assert "Cells: 7 finished, 1 failed." in header
    assert changed in browser.evaluate(
        "[...document.querySelectorAll('.warning')].map(one => one.innerText).join('|')"
    ).split("|")
    states = browser.evaluate("document.querySelector('#cells').textContent")
    assert "failed: …/a.png: <b>broken" in states
    assert "someone" not in (folder / "report.html").read_text()
    assert "These results are of 8 finished cells, and now 7 are" in header
    assert browser.complaints() == []
    assert browser.evaluate("document.querySelectorAll('#compared .matrix').length") == 2 * 5
    kept = {name: (folder / name).read_bytes() for name in (PREDICTIONS, CURVES)}
    for name in kept:
        (folder / name).unlink()
    page = write_ablation_page(folder).read_text(encoding="utf-8")
    assert 'href="#compared"' not in page
    assert 'id="training"' not in page
    assert "predictions.csv" not in page
    left = {file.stem for file in (folder / "figures").iterdir()}
    assert not left & {"roc", "training-1-shapes"}
    for name, content in kept.items():
        (folder / name).write_bytes(content)


def check_damage(folder: Path) -> None:
    files = CELLS, PREDICTIONS, CURVES, RESULTS
    cells, predictions, curves, results = ((folder / name).read_text() for name in files)
    for name, whole, broken in (
        (CELLS, cells, ""),
        (CELLS, cells, "arm,regime\n"),
        (CELLS, cells, cells.replace("arm,", "", 1)),
        (CELLS, cells, cells.replace("0,1.0,", "zero,1.0,", 1)),
        (PREDICTIONS, predictions, "model,score\na,0.5\n"),
        (CURVES, curves, "epoch"),
        (RESULTS, results, "{}"),
        (RESULTS, results, "[]"),
        (RESULTS, results, results.replace('"split": "official"', '"split": "gone"', 1)),
        (RESULTS, results, results.replace('"margin": 0.05', '"margin": "small"')),
        (RESULTS, results, re.sub('"value": [-0-9.]+', '"value": null', results, count=1)),
        (CURVES, curves, curves.replace(",1,", ",one,", 1)),
        (RESULTS, results, results[:-9]),
    ):
        assert broken != whole
        write_files(folder, {name: broken.encode()})
        with pytest.raises(MatlError, match=f"{name}: is damaged; type the matl ablate again"):
            write_ablation_page(folder)
        write_files(folder, {name: whole.encode()})
