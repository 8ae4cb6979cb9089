"""What the commands print."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from data_modules.audit import overview
from data_modules.audit.near_duplicates import near_duplicates
from data_modules.formats.pictures import try_read
from data_modules.samples import Samples
from matl.config import Experiment
from matl.errors import MatlError
from matl.orchestrator.collect import data_notes, network_notes
from matl.orchestrator.fingerprints import reason
from matl.orchestrator.plan import Plan, select_images
from matl.orchestrator.store import Store
from matl.report.diagnosis_tables import diagnosis_table
from matl.report.run_record import RunRecord
from matl.report.stage_tables import stage_table
from matl.report.terminal_table import TerminalTable

SHEET_IMAGES = 16
MOST_CLASSES = 8
SHEET_SIZE = (160, 160)


def show_record(record: RunRecord, console: Console) -> None:
    """Prints the tables of a finished run: the stages, and the diagnosis on the test split.

    Where a data set has no test split, the validation split stands there, under its name.
    """
    if record.stages:
        console.print(TerminalTable(stage_table(record)))
    if record.scored.models:
        console.print(TerminalTable(diagnosis_table(record)))


def plan_table(plan: Plan) -> Table:
    """A row a stage: what it would train on, and whether the store has it."""
    store = Store(plan.experiment.store)
    resources = plan.resources
    caption = (
        f"{resources.processes} process(es) on the {resources.accelerator}, {resources.threads}"
        f" threads each, {resources.precision}; store: {plan.experiment.store}"
    )
    caption += "\n" + "\n".join([*network_notes(plan), *data_notes(plan)])
    table = Table("Stage", "Images", "Epochs", "Fingerprint", "State", box=box.SIMPLE_HEAD)
    table.title, table.caption = f"Plan of {plan.experiment.name}", caption
    for stage in plan.stages:
        name = f"{stage.name}, from scratch" if stage is plan.scratch else stage.name
        images = len(stage.training)
        state = f"missing: {reason(stage.identity, store)}"
        if stage.fingerprint in store:
            state = f"in the store, trained by {store.manifest(stage.fingerprint).experiment}"
        row = (name, f"{images:,}", str(stage.config.epochs), stage.fingerprint, state)
        table.add_row(*row)
    return table


def store_table(store: Store) -> Table:
    """A row a finished stage."""
    columns = ("Fingerprint", "Stage", "Experiment", "Data", "Epochs", "Metric", "Finished")
    table = Table(*columns, box=box.SIMPLE_HEAD, title=f"Finished stages in {store.root}")
    for fingerprint in store:
        try:
            manifest = store.manifest(fingerprint)
        except MatlError as error:
            table.add_row(fingerprint, str(error))
            continue
        metric = manifest.metric
        table.add_row(
            fingerprint,
            manifest.stage,
            manifest.experiment,
            manifest.data,
            str(manifest.epochs),
            f"{metric['name']} {metric['value']:.3f}",
            manifest.finished,
        )
    return table


def unfinished_table(store: Store) -> Table:
    """A row a stage that was broken off or is being trained."""
    columns = ("Fingerprint", "Stage", "Experiment", "Size", "State")
    title = f"Unfinished stages in {store.root}: the same command goes on; matl store remove"
    table = Table(*columns, box=box.SIMPLE_HEAD, title=title)
    for one in store.unfinished():
        names = [one.about.get(name, "") for name in ("stage", "experiment")]
        state = "being trained" if one.running else "broken off"
        table.add_row(one.fingerprint, *names, f"{one.size / 1e6:.1f} MB", state)
    return table


def show_data(experiment: Experiment, console: Console) -> None:
    """Prints every stage's images: counts, patients, sizes, and patients shared between stages."""
    stages = _samples(experiment)
    for name, samples in stages.items():
        counts = _few_columns(overview.counts(samples), samples.classes)
        console.print(_frame_table(counts, f"{name}: images"))
        sizes = _joined_sizes(overview.image_sizes(samples))
        console.print(_frame_table(sizes, f"{name}: pixels, least / median / most"))
        if not samples.patients_named:
            twins = near_duplicates(samples, Path(experiment.cache))
            console.print(
                f"{name}: patients are not named; {len(twins)} pairs across splits look alike"
            )
        for note in samples.notes:
            console.print(f"{name}: {note}", highlight=False, markup=False)
    for (first, one), (second, other) in itertools.combinations(stages.items(), 2):
        shared = len(overview.shared_patients(one, other))
        console.print(f"{first} and {second} share {shared} patients")


def draw_sheet(experiment: Experiment, file: Path) -> None:
    """Draws some images of every stage, as the network is given them, as a PNG file.

    A file that cannot be read leaves its place black, and its caption says so.

    Raises:
        MatlError: the file's name does not end in .png.
    """
    if file.suffix.lower() != ".png":
        raise MatlError(f"--sheet {file}: the sheet is a PNG file; end its name in .png")
    images, captions = [], []
    for name, samples in _samples(experiment).items():
        numbers = np.linspace(0, len(samples) - 1, min(SHEET_IMAGES, len(samples))).astype(int)
        for number in numbers:
            channels = experiment.backbone.in_channels
            decoded = try_read(samples.files()[number], SHEET_SIZE, channels)
            if bad := isinstance(decoded, str):
                images.append(np.zeros((channels, *SHEET_SIZE), dtype=np.uint8))
            else:
                images.append(decoded[0])
            captions.append(f"{name} {'unreadable' if bad else samples.table['label'][number]}")
    overview.contact_sheet(np.stack(images), captions, file)


def _few_columns(counts: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The counts of images with the classes summed up where a screen cannot hold them."""
    if len(classes) <= MOST_CLASSES:
        return counts
    each = counts[list(classes)]
    summed = counts.drop(columns=list(classes))
    summed["classes"] = (each > 0).sum(axis=1)
    summed["images a class"] = [
        f"{least} to {most}" for least, most in zip(each.min(axis=1), each.max(axis=1), strict=True)
    ]
    return summed


def _joined_sizes(sizes: pd.DataFrame) -> pd.DataFrame:
    for side in ("width", "height"):
        parts = [f"{side}_{name}" for name in ("min", "median", "max")]
        sizes[side] = [" / ".join(map(_cell, row)) for row in sizes[parts].to_numpy(dtype=float)]
        sizes = sizes.drop(columns=parts)
    return sizes


def _frame_table(frame: pd.DataFrame, title: str) -> Table:
    table = Table(str(frame.index.name or ""), *map(str, frame.columns), box=box.SIMPLE_HEAD)
    table.title = title
    for label, row in frame.iterrows():
        table.add_row(str(label), *(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _samples(experiment: Experiment) -> dict[str, Samples]:
    return {name: select_images(experiment, name) for name in experiment.chain}
