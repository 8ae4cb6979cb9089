"""What the commands print of a run, a plan and a store."""

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
from records import make_record, make_stage
from rich.console import Console
from shown import render, words
from tiny import Load

from matl.config import Experiment
from matl.names import MANIFEST
from matl.orchestrator.plan import make_plan
from matl.orchestrator.show import (
    frame_table,
    show_line,
    show_plan,
    show_run,
    show_store,
    store_table,
)
from matl.orchestrator.store import Store
from matl.report.closing import closing_sentence
from matl.report.run_record import RunRecord


def shown_run(record: RunRecord, folder: Path, tmp_path: Path) -> str:
    record = replace(record, manifest={"stages": {}})
    shown = io.StringIO()
    experiment = Experiment(name="a", store="my store", runs=str(tmp_path))
    show_run(experiment, record, folder, Console(file=shown, width=80))
    return shown.getvalue()


def test_a_run_ends_with_a_sentence_the_weights_and_what_is_next(tmp_path: Path) -> None:
    stages = [make_stage(), make_stage(name="diagnosis", fingerprint="0" * 16)]
    stages += [make_stage(name="diagnosis, from scratch", from_scratch=True)]
    record = make_record(stages=stages)
    text = shown_run(record, Path("runs/my run"), tmp_path)
    assert closing_sentence(record) in words(text)
    lines = text.splitlines()
    assert f"Weights of the stage diagnosis: my store/{'0' * 16}" in lines
    assert lines[lines.index("Next:") + 1 :] == [
        "  matl report 'runs/my run'",
        "  matl explain 'runs/my run'",
        "  matl evaluate 'runs/my run' --data NAME:ROOT --positive CT_COVID",
    ]


def test_a_run_without_a_diagnosis_can_only_be_reported(tmp_path: Path) -> None:
    text = shown_run(make_record(diagnoses={}), Path("runs/a"), tmp_path)
    assert text.splitlines()[-2:] == ["Next:", "  matl report runs/a"]
    assert "Weights of the stage lung: " in text


def test_a_line_to_copy_is_not_broken_and_not_read_as_markup() -> None:
    shown = io.StringIO()
    line = "matl report " + "[a]" * 60
    show_line(line, Console(file=shown, width=80))
    assert shown.getvalue() == line + "\n"


def test_an_empty_store_says_so_and_a_damaged_stage_is_named(tmp_path: Path) -> None:
    shown = io.StringIO()
    show_store(Store(tmp_path), Console(file=shown, width=200))
    assert shown.getvalue() == f"No finished stage is in {tmp_path}.\n"
    entry = tmp_path / ("f" * 16)
    entry.mkdir()
    (entry / "manifest.json").write_text("{}")
    table, damaged = store_table(Store(tmp_path))
    assert not table.rows
    assert "f" * 16 in damaged[0]


def test_a_plan_counts_what_of_the_store_cannot_be_read(load_tiny: Load) -> None:
    plan = make_plan(load_tiny())
    entry = Path(plan.experiment.store) / ("f" * 16)
    entry.mkdir(parents=True)
    (entry / MANIFEST).write_text('{"fingerprint": "ffffffffffffffff"}')
    shown = io.StringIO()
    show_plan(plan, Console(file=shown, width=200))
    assert f"WARNING: 1 finished stages in {entry.parent} cannot be read" in words(shown.getvalue())
    assert "has the format 1, and this one reads" in Store(entry.parent).unreadable()[0]


def test_counts_of_a_data_set_are_shown_as_whole_numbers() -> None:
    frame = pd.DataFrame({"images": [12345, 2], "median": [7.5, 8.0]}, index=["train", "val"])
    text = render(frame_table(frame.rename_axis("split"), "images"), width=40)
    assert "train" in text
    assert "12,345" in text
    assert "7.5" in text
