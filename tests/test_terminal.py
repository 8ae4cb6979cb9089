"""What the commands show in a real terminal: no table without its first column, no cut number."""

import os
import subprocess
import sys
from io import StringIO
from itertools import chain
from pathlib import Path

import pytest
from pseudo_terminal import numbers_in, shown_in_terminal, tables_of
from rich.console import Console
from tiny import run_quietly, write_tiny

from matl.config import load_experiment
from matl.orchestrator.store import Store
from matl.terminal import TABLE_WIDTH, output_to, same_screen, show_notes, terminal

WIDTHS = (80, 100, 140)
ALONE = "chain=[diagnosis]"
WIDE = 400


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, phantom_root: Path) -> Path:
    """The folder of a finished run of the tiny experiment's diagnosis alone."""
    folder = tmp_path_factory.mktemp("finished")
    run_quietly(load_experiment(write_tiny(folder, phantom_root), [ALONE]))
    return folder


def check(lines: list[str], wide: list[str], width: int) -> None:
    """No table is wider than the terminal, and each number in it is one of the wide table."""
    tables = tables_of(lines)
    assert len(tables) == len(tables_of(wide)) > 0
    whole = numbers_in("\n".join(wide))
    for table, other in zip(tables, tables_of(wide), strict=True):
        assert max(map(len, table)) <= width
        assert table[0].split("  ")[0] == other[0].split("  ")[0]
        assert numbers_in("\n".join(table)) <= whole


def test_a_finished_run_at_80_columns(finished: Path) -> None:
    lines = shown_in_terminal(["run", "tiny.yaml", ALONE], 80, finished)
    stages, diagnosis, *joined = tables_of(lines)
    assert max(map(len, [*stages, *diagnosis, *chain(*joined)])) <= 80
    assert stages[0].startswith("Stage") or stages[1].startswith("Stage")
    assert stages[2].startswith("diagnosis ")
    rows = [line.split("  ")[0] for line in diagnosis]
    assert {"Model", "from scratch", "floor"} <= set(rows)
    assert "Not shown at this width:" in " ".join(diagnosis)
    [store] = Store(finished / "store")
    end = "\n".join(lines)
    assert f"Weights of the stage diagnosis: {finished / 'store' / store}" in end
    [run] = (finished / "runs").iterdir()
    for command in ("report", "explain", "evaluate"):
        assert f"\n  matl {command} {run}" in end


@pytest.mark.slow
@pytest.mark.parametrize("words", [["run"], ["plan"], ["data"], ["store", "list"]], ids=" ".join)
def test_no_number_is_cut_at_any_width(finished: Path, words: list[str]) -> None:
    words = [*words, "tiny.yaml", ALONE] if words[0] != "store" else words
    wide = shown_in_terminal(words, WIDE, finished)
    for width in WIDTHS:
        check(shown_in_terminal(words, width, finished), wide, width)


@pytest.mark.slow
def test_the_lines_of_epochs_fit(finished: Path) -> None:
    for width in WIDTHS:
        words = ["run", "tiny.yaml", ALONE, f"seed={width}", "baselines=[scratch]"]
        epochs = [line for line in shown_in_terminal(words, width, finished) if ": epoch " in line]
        assert len(epochs) == 2
        assert all(len(line) <= width and "loss " in line for line in epochs)
        assert all("val/auroc " in line for line in epochs)


def test_a_file_is_as_wide_as_the_tables_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", StringIO())
    assert terminal().width == TABLE_WIDTH


def test_what_processes_print_goes_to_a_file_and_the_screen_stays(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.txt"
    console = Console(file=sys.stdout)
    with same_screen(console) as screen, output_to(log):
        print("here")
        subprocess.run([sys.executable, "-c", "print('a child')"], check=True)
        os.write(1, b"as bytes\n")
        screen.print("on the screen")
    print("afterwards")
    assert {"here", "a child", "as bytes"} == set(log.read_text().split("\n")) - {""}
    assert capfd.readouterr().out.split("\n") == ["on the screen", "afterwards", ""]


def test_a_console_without_a_file_of_the_system_is_its_own_screen() -> None:
    console = Console(file=StringIO())
    with same_screen(console) as screen:
        assert screen is console


def test_notes_are_shown_as_they_are() -> None:
    screen = StringIO()
    show_notes(["a [b] note", "WARNING: [/x]"], Console(file=screen, width=60))
    assert screen.getvalue() == "a [b] note\nWARNING: [/x]\n"
