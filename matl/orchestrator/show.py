"""What the commands print."""

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

import pandas as pd
from rich.console import Console
from rich.text import Text

from data_modules.audit import overview
from data_modules.audit.near_duplicates import near_duplicates
from matl.config import Experiment
from matl.errors import MatlError
from matl.evaluation.scored import Scored
from matl.files import replace_file
from matl.lung_boxes import LUNG_BOXES
from matl.names import PAGE, SCORES
from matl.orchestrator.classes import class_note, tells_classes_apart
from matl.orchestrator.collect import data_notes, network_notes, sample_notes
from matl.orchestrator.data_files import LIST_COLUMNS, refuse_targets
from matl.orchestrator.fingerprints import reason
from matl.orchestrator.plan import Plan, PlannedStage, select_images
from matl.orchestrator.store import Store
from matl.orchestrator.store_check import KINDS, damage
from matl.orchestrator.too_long import too_long_notes
from matl.orchestrator.wandb_report import upload_command
from matl.report.closing import closing_sentence
from matl.report.rows import from_scratch
from matl.report.run_record import RunRecord
from matl.report.score_tables import tables_of
from matl.report.stage_tables import stage_table
from matl.report.table import Column, Row, Table, TableCell, make_table, number
from matl.report.terminal_table import TerminalTable
from matl.spreadsheet import csv_bytes
from matl.stages.registry import task_of
from matl.terminal import show_notes

MOST_CLASSES = 8
_MINUTES = len("2026-01-31T23:59")


def show_run(experiment: Experiment, record: RunRecord, folder: Path, console: Console) -> None:
    """Prints what a run ends with: its tables, one sentence, where everything is, what is next.

    Args:
        experiment: What was run.
        record: What it found.
        folder: Of its report.
        console: Where it is shown.
    """
    show_record(record, console)
    console.print(Text(closing_sentence(record)))
    last = [row for row in record.stages if not row.from_scratch][-1]
    weights = Store(experiment.store).entry(last.fingerprint)
    show_line(f"Report: {folder / PAGE}", console)
    show_line(f"Weights of the stage {last.name}: {weights}", console)
    show_next(_commands(record, folder), console)
    if upload := upload_command(experiment.runs, record, folder):
        show_line(f"The record for W&B is on this disk; upload it: {upload}", console)


def _commands(record: RunRecord, folder: Path) -> list[str]:
    """What a user may type next; a run without a diagnosis can only be reported.

    `matl explain` is for two classes.
    """
    run = quote(str(folder))
    if not record.scored.models:
        return [f"matl report {run}"]
    evaluate = f"matl evaluate {run} --data NAME:ROOT"
    if not isinstance(record.scored, Scored):
        return [f"matl report {run}", evaluate]
    evaluate += f" --positive {quote(record.scored.positive)}"
    return [f"matl report {run}", f"matl explain {run}", evaluate]


def show_next(commands: Sequence[str], console: Console) -> None:
    """Prints commands as they can be typed, one per line."""
    show_line("Next:", console)
    for command in commands:
        show_line(f"  {command}", console)


def show_line(text: str, console: Console) -> None:
    """Prints a line without breaking it, so that a path or a command in it can be copied."""
    console.print(Text(text), soft_wrap=True)


def show_table(table: Table, console: Console) -> None:
    """Prints a table and an empty line."""
    console.print(TerminalTable(table))
    console.print()


def show_record(record: RunRecord, console: Console) -> None:
    """Prints the tables of a finished run: the stages, and the diagnosis on the test split.

    Where a data set has no test split, the validation split stands there, under its name.
    """
    if record.stages:
        show_table(stage_table(record), console)
    if record.scored.models:
        for table in tables_of(record).shown_tables(record):
            show_table(table, console)


def show_evaluation(record: RunRecord, folder: Path, console: Console) -> None:
    """Prints what `matl evaluate` found, and where its report is."""
    show_record(record, console)
    show_notes(record.notes, console)
    console.print(Text(closing_sentence(record)))
    show_line(f"Report: {folder / PAGE}", console)


def show_plan(plan: Plan, console: Console) -> None:
    """Prints what would run, and what a reader should know of the networks and the data.

    Raises:
        DataError: A stage would be refused because images are too long to be cropped.
    """
    too_long = too_long_notes(plan.chain)
    show_table(plan_table(plan), console)
    notes = [*_store_notes(Store(plan.experiment.store)), *network_notes(plan), *too_long]
    show_notes([*notes, *data_notes(plan), *sample_notes(plan)], console)


def _store_notes(store: Store) -> list[str]:
    if not (lines := store.unreadable()):
        return []
    text = f"{len(lines)} finished stages in {store.root} cannot be read and are not reused"
    return [f"WARNING: {text}; matl store list says why"]


def plan_table(plan: Plan) -> Table:
    """One row per stage: what it would train on, and whether the store has it."""
    store = Store(plan.experiment.store)
    resources = plan.resources
    caption = (
        f"Processes: {resources.processes}, on the {resources.accelerator}; threads of each: "
        f"{resources.threads}; precision: {resources.precision}; store: {plan.experiment.store}"
    )
    columns = ("Stage", Column("Images", 1), "Epochs", Column("Fingerprint", 2), Column("State", 3))
    rows = [
        (
            *(stage.title, len(stage.training), stage.config.epochs, stage.fingerprint),
            _state(stage, store),
        )
        for stage in plan.stages
    ]
    return make_table(f"Plan of {plan.experiment.name}", caption, columns, rows)


def _state(stage: PlannedStage, store: Store) -> str:
    if stage.fingerprint in store:
        try:
            return f"in the store, trained by {store.manifest(stage.fingerprint).experiment}"
        except MatlError as error:
            return str(error)
    return f"missing: {reason(stage.identity, store)}"


def show_store(store: Store, console: Console) -> None:
    """Prints the finished stages, then those that are unfinished."""
    table, damaged = store_table(store)
    if table.rows:
        show_table(table, console)
    else:
        show_line(f"No finished stage is in {store.root}.", console)
    for line in damaged:
        console.print(Text(line))
    if store.unfinished():
        show_table(unfinished_table(store), console)


def show_check(store: Store, console: Console) -> None:
    """Prints what of a store is damaged, one per line, or that it is whole.

    Raises:
        MatlError: Something is damaged.
    """
    found = list(damage(store))
    kinds = Counter(kind for kind, _ in found)
    damaged = Counter(kind for kind, line in found if line)
    for _, line in found:
        if line:
            show_line(line, console)
    if damaged:
        counts = ", ".join(f"{damaged[kind]} of {kinds[kind]} {kind}s" for kind in KINDS)
        raise MatlError(f"{store.root}: damaged are {counts}")
    counts = ", ".join(f"{kinds[kind]} {kind}s" for kind in KINDS)
    show_line(f"{store.root}: {counts} are whole: every file has its digest", console)


def store_table(store: Store) -> tuple[Table, list[str]]:
    """One row per finished stage, oldest first; and a line for each that cannot be read."""
    columns = (
        *("Fingerprint", Column("Stage", 6), Column("Experiment", 5), Column("Data", 1), "Epochs"),
        *(Column("Own metric", 3), Column("Value", 4), Column("Finished (UTC)", 2)),
    )
    rows, damaged = [], []
    for fingerprint in store:
        try:
            one = store.manifest(fingerprint)
        except MatlError as error:
            damaged.append(str(error))
            continue
        finished = one.finished[:_MINUTES].replace("T", " ")
        alone = SCORES in one.sha256 and one.parent is None  # a diagnosis without a stage before it
        stage = from_scratch(one.stage) if alone else one.stage
        names = (fingerprint, stage, one.experiment, one.data)
        values = (one.epochs, one.metric["name"], one.metric["value"], finished)
        rows.append((*names, *values))
    return make_table(f"Finished stages in {store.root}", "", columns, rows), damaged


def unfinished_table(store: Store) -> Table:
    """One row per stage that was interrupted or is being trained."""
    columns = (
        *("Fingerprint", Column("Stage", 3), Column("Experiment", 1), Column("Size", 2)),
        Column("State", 4),
    )
    rows = [
        (
            one.fingerprint,
            *(one.about.get(name, "") for name in ("stage", "experiment")),
            number(one.size / 1e6, ",.1f", " MB"),
            "being trained" if one.running else "interrupted",
        )
        for one in store.unfinished()
    ]
    caption = "The command that trained a stage resumes it; matl store remove deletes it."
    return make_table(f"Unfinished stages in {store.root}", caption, columns, rows)


def show_data(
    experiment: Experiment,
    console: Console,
    sheet: Path | None = None,
    duplicates: Path | None = None,
) -> None:
    """Prints every stage's images: counts, patients, sizes, and patients shared between stages.

    Args:
        experiment: Whose stages.
        console: Where it is shown.
        sheet: The PNG file of a contact sheet to draw first; see `matl.orchestrator.sheet`.
        duplicates: The CSV file of all pairs of images that are identical or nearly so.

    Raises:
        MatlError: One of the files cannot be written, or is there and none of matl's.
    """
    pairs = []
    refuse_targets(sheet, duplicates)
    stages = {name: select_images(experiment, name) for name in experiment.chain}
    if sheet is not None:
        from matl.orchestrator.sheet import draw_sheet  # imports torch

        draw_sheet(experiment, stages, sheet)
        show_line(f"Contact sheet: {sheet}", console)
    for name, samples in stages.items():
        counts = _few_columns(overview.counts(samples), samples.classes)
        show_table(frame_table(counts, f"{name}: images"), console)
        sizes = _joined_sizes(overview.image_sizes(samples))
        title = f"{name}: pixels, least / median / most"
        show_table(frame_table(sizes, title), console)
        twins = near_duplicates(samples, Path(experiment.cache), LUNG_BOXES)
        pairs.append(twins.assign(stage=name))
        across = int((twins["split"] != twins["other_split"]).sum())
        line = f"{name}: {len(twins)} pairs of images look alike, {across} of them across splits"
        console.print(Text(line))
        task = task_of(experiment.stages[name])
        multi_class = [class_note(name, samples)] if tells_classes_apart(task, samples) else []
        show_notes([*multi_class, *(f"{name}: {note}" for note in samples.notes)], console)
    for (first, one), (second, other) in itertools.combinations(stages.items(), 2):
        shared = len(overview.shared_patients(one, other))
        console.print(Text(f"{first} and {second} share {shared} patients"))
    if duplicates is not None:
        found = pd.concat(pairs, ignore_index=True)
        replace_file(duplicates, csv_bytes(found[list(LIST_COLUMNS)]))
        show_line(f"{len(found)} pairs of images that look alike: {duplicates}", console)


def _few_columns(counts: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The counts of images with the classes summed up where a screen cannot hold them."""
    if len(classes) <= MOST_CLASSES:
        return counts
    each = counts[list(classes)]
    summed = counts.drop(columns=list(classes))
    summed["classes"] = (each > 0).sum(axis=1)
    summed["images per class"] = [
        f"{least} to {most}" for least, most in zip(each.min(axis=1), each.max(axis=1), strict=True)
    ]
    return summed


def _joined_sizes(sizes: pd.DataFrame) -> pd.DataFrame:
    for side in ("width", "height"):
        parts = [f"{side}_{name}" for name in ("min", "median", "max")]
        sizes[side] = [" / ".join(map(_cell, row)) for row in sizes[parts].to_numpy(dtype=float)]
        sizes = sizes.drop(columns=parts)
    return sizes


def frame_table(frame: pd.DataFrame, title: str) -> Table:
    """A data frame with its index as the first column."""
    columns = (str(frame.index.name or ""), *map(str, frame.columns))
    rows: list[Row] = [(str(row[0]), *map(_value, row[1:])) for row in frame.itertuples()]
    return make_table(title, "", columns, rows)


def _value(value: object) -> TableCell:
    if isinstance(value, str):
        return TableCell(value, value)
    return TableCell(_cell(value), float(value))  # type: ignore[arg-type]


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else f"{value:,}"
