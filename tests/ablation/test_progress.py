"""What an ablation shows while it runs."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from matl.ablation.cells import cells_of, plan_cells
from matl.ablation.load import load_ablation
from matl.ablation.progress import Board, stage_names
from matl.ablation.train import Progress, distinct_stages
from matl.orchestrator.store import Store


def test_each_stage_is_named_by_what_it_is_of(ablation_file: Path) -> None:
    ablation = load_ablation(ablation_file)
    names = stage_names(plan_cells(ablation, cells_of(ablation), []))
    assert len(set(names.values())) == len(names) == 16
    assert "shapes, arm attention, regimes shapes and probe, seed 0" in names.values()
    assert "diagnosis, arm convolution, regime from scratch, seed 1" in names.values()


def test_folds_are_named_where_there_are_several(ablation_file: Path) -> None:
    text = ablation_file.read_text()
    folds = "splits:\n  folds: {folds: 2}\n"
    text = text.replace("splits:\n  official: {}\n", folds).replace(
        "split: official", "split: folds"
    )
    ablation_file.write_text(text)
    ablation = load_ablation(ablation_file)
    names = set(stage_names(plan_cells(ablation, cells_of(ablation), [])).values())
    assert "diagnosis, arm attention, regime shapes, seed 0, fold 1" in names
    assert "shapes, arm attention, regimes shapes and probe, seed 0, all folds" in names


@pytest.mark.parametrize("terminal", [False, True])
def test_one_line_per_stage_that_ended_and_a_bar_only_in_a_terminal(
    ablation_file: Path, tmp_path: Path, terminal: bool
) -> None:
    ablation = load_ablation(ablation_file)
    plans = plan_cells(ablation, cells_of(ablation), [])
    first, second, *_ = distinct_stages(plans)
    name = stage_names(plans)[first]
    progress = Progress(reused=frozenset())
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=terminal, color_system=None)
    with Board(plans, Store(tmp_path / "store"), progress, console) as board:
        progress.running.add(first)
        board.show(first)
        assert "1 of 16" not in shown.getvalue()
        assert ("0 of 16 stages, 1 running, 0 failed" in shown.getvalue()) == terminal
        progress.running.remove(first)
        progress.failures |= {first: "no [memory]", second: "the one before it failed"}
        board.show(first)
        board.show(first)
        board.show(second)
    text = " ".join(shown.getvalue().split())
    assert text.count(f"1 of 16: {name}: failed: no [memory]") == 1
    assert "2 of 16: " in text
    if not terminal:
        assert len(shown.getvalue().splitlines()) <= 1 + 2 * 2
