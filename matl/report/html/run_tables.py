"""The tables of a run's page."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from matl.evaluation.metrics import METRICS
from matl.evaluation.paired import PAIRED_CAPTION, PAIRED_HEADER
from matl.evaluation.statistics.calibration import BINS
from matl.report.gates import gate_columns, last_value
from matl.report.html.table import Cell, Row, Table, make_table
from matl.report.run_record import NetworkRow, Result, RunRecord
from matl.report.tables import (
    PATIENT_CAPTION,
    SOURCE_METRICS,
    diagnosis_caption,
    duration,
    stage_caption,
)

GATE_TITLE = "Gates at the end of each stage"
GATE_CAPTION = "The operator's gate g, and the share that it adds to the map x, |g f(x)| / |x|."


def diagnosis_tables(record: RunRecord, split: str) -> Iterator[Table]:
    """Every metric of every diagnosis: by image, by patient where it has several, by source."""
    results = record.results(split)
    title = f"{split.capitalize()} split, positive: {record.positive}"
    yield _metric_table(title, diagnosis_caption(record, results), results)
    if differences := record.paired(split):
        rows: list[Row] = [one.cells() for one in differences]
        yield make_table(f"{title}; differences", PAIRED_CAPTION, PAIRED_HEADER, rows)
    if any(one.images > one.patients for one in results):
        patients = record.by_patient().results(split)
        yield _metric_table(f"{title}; each patient once", PATIENT_CAPTION, patients)
    if record.sources(split):
        yield source_table(f"{title}; each source alone", record, split)


def _metric_table(title: str, caption: str, results: Sequence[Result]) -> Table:
    rows: list[Row] = [(one.model, *(one.metrics[name] for name in METRICS)) for one in results]
    return make_table(title, caption, ("Model", *METRICS.values()), rows)


def source_table(title: str, record: RunRecord, split: str) -> Table:
    """A row a source and diagnosis of a split."""
    titles = (METRICS[name] for name in SOURCE_METRICS)
    header = ("Source", "Model", "Images", "Patients", "Positives", *titles)
    rows: list[Row] = [
        (
            *(group.source, model, group.images, group.patients, group.positives),
            *(group.metrics[name] for name in SOURCE_METRICS),
        )
        for model, groups in record.sources(split).items()
        for group in groups
    ]
    return make_table(title, "Intervals over the patients of the source.", header, rows)


def external_table(record: RunRecord, external: Sequence[RunRecord]) -> Table | None:
    """The diagnoses on the run's own test split and on each data set of `matl evaluate`."""
    rows: list[Row] = [
        (
            *(where, one.model, of.positive, one.images, one.patients, one.positives),
            *(one.metrics[name] for name in SOURCE_METRICS),
        )
        for where, of in [("own test split", record), *((one.experiment, one) for one in external)]
        for one in of.results("test")
    ]
    caption = "Intervals over the patients of each. " + " ".join(
        f"{one.experiment}: {one.split_note}." for one in external
    )
    titles = (METRICS[name] for name in SOURCE_METRICS)
    counts = ("Images", "Patients", "Positives")
    header = ("Images of", "Model", "Positive class", *counts, *titles)
    return make_table("External data sets", caption, header, rows) if external else None


def calibration_table(record: RunRecord) -> Table | None:
    """The calibration error of each diagnosis before and after its temperature."""
    rows: list[Row] = [
        (name, one.error, one.temperature, one.scaled_error, one.by_chance)
        for name, one in record.calibrations().items()
    ]
    title = f"Calibration on the test split, positive: {record.positive}"
    caption = (
        f"Error over {BINS} bins, and at a temperature fitted on val (empty where none fits). By "
        "chance: about what calibrated scores of these patients would show. There is no interval, "
        "for resampling adds to the error."
    )
    header = ("Model", "Error", "Temperature", "Error at it", "By chance")
    return make_table(title, caption, header, rows) if rows else None


def stage_table(record: RunRecord) -> Table:
    """The chain with its costs."""
    header = (
        *("Stage", "Part", "Task", "Data", "Images", "Size", "Epochs", "Time", "Images/s"),
        *("Peak MB", "Own metric", "Trained by"),
    )
    rows: list[Row] = [
        (
            *(row.name, row.part, row.task, row.data, row.images, row.size, row.epochs),
            None if row.seconds is None else Cell(duration(row.seconds), row.seconds),
            _rounded(row.images_per_second, ".1f"),
            _rounded(row.peak_memory_mb, ",.0f"),
            None if row.metric is None or row.value is None else f"{row.metric} {row.value:.3f}",
            row.reused or "this experiment",
        )
        for row in record.stages
    ]
    return make_table("The stages", stage_caption(record), header, rows)


def network_table(networks: Sequence[NetworkRow]) -> Table:
    """What the arms' networks hold and cost, so that they can be matched."""
    sizes = list(dict.fromkeys(size for row in networks for size in row.flops))
    header = (
        *("Arm", "Network", "Operator", "Parameters", "In operators", "Share"),
        *(f"GFLOPs at {size}" for size in sizes),
    )
    rows: list[Row] = [
        (
            *(row.arm, row.network, row.operator, row.parameters, row.in_operators),
            _rounded(100 * row.in_operators / row.parameters, ".2f", " %"),
            *(_rounded(_giga(row.flops.get(size)), ".4f") for size in sizes),
        )
        for row in networks
    ]
    caption = "Without the heads; a forward pass over one image."
    title = "What the networks hold and cost"
    return make_table(title, " ".join([caption, *_matches(networks)]), header, rows)


def _matches(networks: Sequence[NetworkRow]) -> Iterator[str]:
    """How far the first network is from each other one."""
    first, *others = networks
    for other in others:
        far = []
        if other.in_operators:
            blocks = first.in_operators / other.in_operators - 1
            far.append(f"{blocks:+.2%} parameters in operators")
        common = [size for size in first.flops if size in other.flops]
        far += [f"{first.flops[one] / other.flops[one] - 1:+.2%} FLOPs at {one}" for one in common]
        if far:
            yield f"{first.arm} against {other.arm}: {', '.join(far)}."


def gate_table(curves: Mapping[str, pd.DataFrame]) -> Table | None:
    """Gate and contribution of each operator at the end of each stage."""
    columns = list(dict.fromkeys(one for table in curves.values() for one in gate_columns(table)))
    rows: list[Row] = [
        (name, *(last_value(table, column) for column in columns))
        for name, table in curves.items()
        if gate_columns(table)
    ]
    header = ("Stage", *map(gate_title, columns))
    return make_table(GATE_TITLE, GATE_CAPTION, header, rows) if rows else None


def gate_title(column: str) -> str:
    """A logged column as a header: "gate/16" gives "Gate, stride 16"."""
    return column.capitalize().replace("/", ", stride ")


def data_tables(record: RunRecord) -> list[Table]:
    """Counts of each stage's images by split and class."""
    tables = []
    for name, counts in record.data.items():
        rows: list[Row] = [
            (str(split), *map(int, row))
            for split, row in zip(counts.index, counts.to_numpy(), strict=True)
        ]
        header = ("Split", *map(str, counts.columns))
        caption = "Images, patients, and images of each class."
        tables.append(make_table(f"Stage {name}", caption, header, rows))
    return tables


def _rounded(value: float | None, form: str, unit: str = "") -> Cell | None:
    return None if value is None else Cell(f"{value:{form}}{unit}", value)


def _giga(number: int | None) -> float | None:
    return None if number is None else number / 1e9
