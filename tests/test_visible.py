"""Control characters are shown, wherever a name of the user's is."""

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from records import make_record, make_scores
from rich.console import Console
from rich.text import Text

from matl.report.html.run_page import write_run_page
from matl.report.run_report import write_report
from matl.terminal import _plain_console, terminal
from matl.visible import visible

ESCAPE = "\x1b[31m\x1b]0;title\x07"


def test_control_characters_become_pictures() -> None:
    assert visible("a\x1b[1m\tb\nc\x7f\x9b\u202e") == "a␛[1m\tb\nc␡��"


def shown(*what: object) -> str:
    out = io.StringIO()
    _plain_console(file=out, width=200).print(*what)
    return out.getvalue()


@pytest.mark.parametrize("text", ["[/x]", "[new]", "[red]a[/red]", ":smile:", "[link=x]", "a[/]b"])
def test_a_terminal_reads_no_markup(text: str) -> None:
    assert shown(text) == f"{text}\n"
    assert shown(Text(text)) == f"{text}\n"


def test_a_terminal_obeys_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in shown(ESCAPE)
    assert "\x1b" not in shown(Text(ESCAPE))
    console = terminal()
    assert isinstance(console, Console)
    console.print(ESCAPE)
    assert "\x1b" not in capsys.readouterr().out


def test_pages_and_figures_hold_no_control_character(tmp_path: Path) -> None:
    names = {"positive": f"ill{ESCAPE}", "negative": "well\x00$x$ $\\frac{"}
    scores = {"chain": make_scores(2), "from scratch": make_scores(1, seed=1)}
    record = make_record(diagnoses=scores, experiment=f"a{ESCAPE}", **names)
    write_report(record, tmp_path)
    write_run_page(tmp_path)
    for file in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.md"), *tmp_path.rglob("*.svg")]:
        text = file.read_text(encoding="utf-8")
        assert not set(text) & {"\x1b", "\x07", "\x00"}, file.name
        if file.suffix == ".svg":
            ElementTree.fromstring(text)
