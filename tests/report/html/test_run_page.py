"""The page of a run: all of it is there, numbers are the record's, and nothing in it runs."""

import json
import re
import time
import tomllib
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from browser import Browser
from conftest import REPOSITORY
from PIL import Image
from report_records import make_record, make_scores

from matl.errors import MatlError
from matl.report.closing import NOTHING, closing_sentence
from matl.report.html.run_page import write_run_page
from matl.report.run_record import NetworkRow, RunRecord
from matl.report.run_report import write_report

HOSTILE = "<img src=x onerror=alert(1)>.png"
QUOTED = "COVID \"sure\" & 'ill'"
CURVES = ("roc", "precision_recall", "reliability", "decision")


def make_page(folder: Path, record: RunRecord) -> Path:
    write_report(record, folder)
    return write_run_page(folder)


def full_record(**changes: object) -> RunRecord:
    """A chain and the diagnosis from scratch, with all that a page can show."""
    record = make_record(**changes)
    first = replace(record.stages[0], name="natural", part=1, task="source", reused="other run")
    scratch = replace(record.stages[0], name="diagnosis, from scratch", from_scratch=True)
    counts = pd.DataFrame({"images": [20], "patients": [7], QUOTED: [9]}, index=["train"])
    rows = [
        NetworkRow(name, "resnet18", name, 11_000_000, holds, {"32 x 32": 10**9})
        for name, holds in (("attention", 228_000), ("convolution", 230_000))
    ]
    return replace(
        record,
        stages=[first, *record.stages, scratch],
        data={"diagnosis": counts},
        networks=rows,
    )


def cells(page: str, row: str) -> list[list[str]]:
    """The texts of each table row that a cell names."""
    found = re.findall(rf'<th scope="row"[^>]*>{row}</th>(.*?)</tr>', page, re.S)
    texts = [re.findall(r"<td[^>]*>(.*?)</td>", one, re.S) for one in found]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in texts]


def test_the_page_has_the_numbers_of_the_metrics(tmp_path: Path) -> None:
    record = full_record()
    page = make_page(tmp_path, record).read_text(encoding="utf-8")
    for split in ("test", "val"):
        for result in record.scored.results(split):
            expected = [str(one) for one in result.metrics.values()]
            assert expected in cells(page, result.model)
    auroc = record.scored.results("test")[0].metrics["auroc"]
    assert f'<td class="value">{auroc.value:.3f}</td>' in page
    assert "natural" in page
    assert "reused, trained by other run" in page
    assert "matl run experiments/covid_ct.yaml data_root=…/data" in page
    assert "-0.87% parameters in operators, +0.00% FLOPs at 32 x 32" in page
    assert ["0.120", ""] in cells(page, "diagnosis")


def test_the_top_says_what_was_found_and_what_its_marks_mean(tmp_path: Path) -> None:
    scores = {"chain": make_scores(1.5, 0), "from scratch": make_scores(0.2, 1)}
    record = full_record(diagnoses=scores)
    header = make_page(tmp_path, record).read_text(encoding="utf-8").split("</header>")[0]
    assert closing_sentence(record) in unescape(header)
    assert "minus from scratch" in header
    assert "Dot: the value; bar: its interval." in header
    page = make_page(tmp_path, make_record(diagnoses={}))
    assert NOTHING in page.read_text(encoding="utf-8")


def test_only_two_networks_are_matched(tmp_path: Path) -> None:
    both = make_page(tmp_path, full_record()).read_text(encoding="utf-8")
    assert "<h2>The network and its control</h2>" in both
    record = full_record()
    alone = make_page(tmp_path, replace(record, networks=record.networks[:1])).read_text("utf-8")
    assert "<h2>The network</h2>" in alone
    for page in (both, alone):
        assert "Match of the arms" not in page
    assert "control" not in alone


def test_the_loss_is_drawn_first(tmp_path: Path) -> None:
    curve = pd.DataFrame({"epoch": [1, 2], "gate/16": [0.1, 0.2], "val/auroc": [0.5, 0.6]})
    curve = curve.assign(**{"whole loss/a": [2.0, 1.0], "loss": [3.0, 2.0], "val/loss": [3.0, 2.0]})
    make_page(tmp_path, make_record(curves={"lung": curve}))
    drawn = (tmp_path / "figures" / "training-1-lung.svg").read_text()
    titles = re.findall(r"lung: ([a-z ]+)<", drawn)
    assert titles == ["loss", "whole loss", "gate", "auroc"]


def test_the_figures_are_in_the_page_and_beside_it(tmp_path: Path) -> None:
    page = make_page(tmp_path, full_record()).read_text(encoding="utf-8")
    names = [*CURVES, "training-1-diagnosis"]
    files = {f"{name}.{kind}" for name in names for kind in ("svg", "png")}
    assert {file.name for file in (tmp_path / "figures").iterdir()} == {*files, "digests.json"}
    labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', page)
    assert len(labels) == len(names)
    assert "ROC curves, test split, positive = COVID" in labels[0]
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    for name in names:
        with Image.open(tmp_path / "figures" / f"{name}.png") as image:
            assert min(image.size) > 200


def test_nothing_hostile_or_private_is_in_the_page(tmp_path: Path) -> None:
    scores = {HOSTILE: make_scores(1.5, 0), "floor": make_scores(0.2, 1)}
    scores = {
        name: table.assign(
            image=[f"{number}{HOSTILE}" for number in range(len(table))],
            patient=[f"Doe, {patient}" for patient in table["patient"]],
        )
        for name, table in scores.items()
    }
    record = full_record(
        experiment=HOSTILE,
        diagnoses=scores,
        positive=QUOTED,
        negative="</script><script>alert(2)</script>",
        notes=[f"{HOSTILE} could not be read.", "See /tmp/matl-1/log.txt."],
    )
    write_report(record, tmp_path)
    settings = "data_root: /home/someone van Doe/scans\nstore: ../Doe/store\nseed: 0\n"
    (tmp_path / "experiment.yaml").write_text(settings)
    page = write_run_page(tmp_path).read_text(encoding="utf-8")
    assert "<img" not in page
    assert page.count("<script") == 1
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in page
    assert "data_root: …/scans\nstore: …/store\nseed: 0\n" in page
    for secret in ("Doe", "/home", "someone", "/tmp", str(tmp_path)):
        assert secret not in page, secret
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)


def test_a_page_of_less(tmp_path: Path) -> None:
    without = make_page(tmp_path, make_record(diagnoses={}, curves={})).read_text(encoding="utf-8")
    assert "the chain has no diagnosis" in without
    assert 'id="diagnosis"' not in without
    one_class = make_record(diagnoses={"chain": make_scores(1, 0, label=0)})
    page = make_page(tmp_path, one_class).read_text(encoding="utf-8")
    assert "Accuracy of the diagnosis on the test split" in page
    assert "undefined" in page
    assert "ROC curves" not in page


def test_what_matl_explain_drew_is_shown(tmp_path: Path) -> None:
    write_report(make_record(), tmp_path)
    assert 'id="inside"' not in write_run_page(tmp_path).read_text(encoding="utf-8")
    (tmp_path / "explain").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "explain" / "overlays.png")
    (tmp_path / "explain" / "explain.json").write_text(
        '{"split": "test", "positive": "COVID", "methods": {"grad_cam": "what speaks for the '
        'positive class", "attention_16": "the attention that each place receives"}}'
    )
    page = write_run_page(tmp_path).read_text(encoding="utf-8")
    assert 'src="data:image/png;base64,iVBOR' in page
    assert "attention_16: the attention that each place receives." in page
    assert "what speaks for the positive class." in page
    assert "Test split; positive class: COVID." in page


@pytest.mark.parametrize("damaged", ['{"split": "te', '{"split": "test"}', "[]", '{"split": 1}'])
def test_a_damaged_explanation_is_a_mistake(tmp_path: Path, damaged: str) -> None:
    write_report(make_record(), tmp_path)
    (tmp_path / "explain").mkdir()
    (tmp_path / "explain" / "explain.json").write_text(damaged)
    with pytest.raises(MatlError, match="is damaged; type the matl explain again"):
        write_run_page(tmp_path)


def test_the_same_record_gives_the_same_page(tmp_path: Path) -> None:
    first, second = (make_page(tmp_path / name, full_record()).read_bytes() for name in "ab")
    assert first == second
    for name in ("roc.svg", "roc.png"):
        one, other = ((tmp_path / at / "figures" / name).read_bytes() for at in "ab")
        assert one == other


def test_a_folder_of_something_else_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="type its matl run or matl ablate again"):
        write_run_page(tmp_path)


def test_damaged_settings_are_a_mistake(tmp_path: Path) -> None:
    write_report(make_record(), tmp_path)
    (tmp_path / "experiment.yaml").write_text("a: [")
    with pytest.raises(MatlError, match="is damaged"):
        write_run_page(tmp_path)


def test_an_installed_wheel_has_the_templates() -> None:
    """The pattern of pyproject.toml names every file of the folder."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    [pattern] = settings["tool"]["setuptools"]["package-data"]["matl.report.html"]
    folder = REPOSITORY / "matl" / "report" / "html"
    others = [file for file in folder.rglob("*") if file.suffix in (".html", ".css", ".js")]
    assert sorted(others) == sorted(folder.glob(pattern))


def order(browser: Browser) -> list[str]:
    return json.loads(
        browser.evaluate(
            "JSON.stringify([...document.querySelector('#diagnosis table').tBodies[0].rows]"
            ".map(row => row.cells[0].innerText))"
        )
    )


def sorting(browser: Browser, column: int) -> str:
    head = f"document.querySelector('#diagnosis table').tHead.rows[0].cells[{column}]"
    return browser.evaluate(f"{head}.getAttribute('aria-sort')")


def test_the_page_in_a_browser(tmp_path: Path, browser: Browser) -> None:
    scores = {"chain": make_scores(1.5, 0), "floor": make_scores(0.2, 1), "a": make_scores(0.8, 2)}
    record = full_record(diagnoses=scores, experiment=HOSTILE, positive=QUOTED)
    page = make_page(tmp_path, record)
    browser.show()
    browser.open(page)
    assert browser.evaluate("document.title") == HOSTILE
    assert browser.evaluate("document.querySelector('h1').innerText") == HOSTILE
    sizes = browser.evaluate(
        "[...document.querySelectorAll('main svg')].map(one => one.getBoundingClientRect().height)"
    )
    assert len(sizes) == 5
    assert min(sizes) > 100
    by_auroc = sorted(
        (one.metrics["auroc"].value, one.model) for one in record.scored.results("test")
    )
    names = [name for _, name in by_auroc]
    button = "#diagnosis table th:nth-child(2) button"
    assert order(browser) == ["chain", "floor", "a"]
    browser.click(button)
    assert (order(browser), sorting(browser, 1)) == (names, "ascending")
    browser.click(button)
    assert (order(browser), sorting(browser, 1)) == (names[::-1], "descending")
    browser.evaluate("document.querySelector('#diagnosis table th button').focus()")
    browser.press("Enter", "\r")
    assert (order(browser), sorting(browser, 0)) == (["a", "chain", "floor"], "ascending")
    assert sorting(browser, 1) == "none"
    browser.press(" ", " ")
    assert (order(browser), sorting(browser, 0)) == (["floor", "chain", "a"], "descending")
    assert browser.complaints() == []


def test_the_page_on_a_telephone_in_the_dark_and_by_keyboard(
    tmp_path: Path, browser: Browser
) -> None:
    page = make_page(tmp_path, full_record())
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    browser.show(width=390)
    browser.open(page)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    check_hints(browser)
    light = browser.evaluate(paper)
    browser.show(width=390, colours="dark")
    assert browser.evaluate(paper) != light
    text = "getComputedStyle(document.querySelector('main svg text')).fill"
    assert browser.evaluate(text) == browser.evaluate("getComputedStyle(document.body).color")
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.innerText") == "Skip to the result"
    browser.evaluate("document.querySelector('#provenance summary').focus()")
    browser.press("Enter", "\r")
    assert browser.evaluate("document.querySelector('#provenance details').open")
    assert browser.complaints() == []


def check_hints(browser: Browser) -> None:
    """Every box that holds more than it shows says so, until its end is in view."""
    told = json.loads(
        browser.evaluate(
            "JSON.stringify([...document.querySelectorAll('.scroll')]"
            ".filter(box => box.checkVisibility() && box.nextElementSibling?.matches('.more'))"
            ".map(box => [box.scrollWidth > box.clientWidth + 2,"
            " box.nextElementSibling.checkVisibility()]))"
        )
    )
    assert [cut for cut, _ in told] == [hint for _, hint in told]
    assert any(cut for cut, _ in told)
    wide = browser.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(box => box.checkVisibility()"
        " && box.scrollWidth > box.clientWidth + 2 && !box.nextElementSibling.matches('.more'))"
        ".length"
    )
    assert wide == 0
    name, value = (f"document.querySelector('.headline {cell}')" for cell in ("th", ".value"))
    assert browser.evaluate(
        f"{name}.getBoundingClientRect().right <= {value}.getBoundingClientRect().left + 1"
    )
    browser.evaluate("document.querySelector('#diagnosis .scroll').scrollLeft = 9999")
    cut = "document.querySelector('#diagnosis .scroll').matches('.cut')"
    until = time.monotonic() + 20
    while browser.evaluate(cut) and time.monotonic() < until:
        time.sleep(0.1)
    assert not browser.evaluate(cut)


def test_the_page_on_paper(tmp_path: Path, browser: Browser) -> None:
    """Closed parts are printed: their tables whole, of the long texts the title alone."""
    write_report(full_record(), tmp_path)
    (tmp_path / "experiment.yaml").write_text("seed: 0\n")
    browser.open(write_run_page(tmp_path))
    assert not shown(browser, "details figure")[0]
    browser.call("Emulation.setEmulatedMedia", media="print")
    for inside, least in (("summary", 5), ("figure", 3), ("th", 10)):
        found = shown(browser, f"details {inside}")
        assert len(found) >= least, inside
        assert all(found), inside
    assert shown(browser, "details.printed pre") == [True]
    assert not any(shown(browser, "details:not(.printed) pre"))
    browser.evaluate("document.querySelector('#provenance details:last-child').open = true")
    assert shown(browser, "#provenance details:last-child pre") == [True]


def shown(browser: Browser, selector: str) -> list[bool]:
    """Whether each element is there for the reader."""
    found = f"[...document.querySelectorAll('{selector}')]"
    return browser.evaluate(f"{found}.map(one => one.checkVisibility())")


def test_a_page_that_asks_or_runs_is_caught(tmp_path: Path, browser: Browser) -> None:
    """The checks above can fail: what a page must not do is told."""
    page = tmp_path / "bad.html"
    page.write_text("<img src=x onerror=alert(1)><script src='http://127.0.0.1:9/a.js'></script>")
    browser.open(page)
    told = browser.complaints()
    assert "asked for http://127.0.0.1:9/a.js" in told
    assert "dialog: 1" in told
