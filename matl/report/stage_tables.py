"""The tables of a run's stages, networks and data: one builder per subject, for every renderer."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from matl.report.gates import gate_columns, last_value
from matl.report.run_record import NetworkRow, RunRecord, StageRow, StartRow
from matl.report.table import Column, Row, Table, TableCell, make_table, number
from matl.report.words import duration

GATE_TITLE = "Gates at the end of each stage"
GATE_CAPTION = "The operator's gate g, and the share that it adds to the map x, |g f(x)| / |x|."
START_TITLE = "Transferability towards the diagnosis"
SCORE_NAMES = {"log_me": "LogME", "h_score": "H-score", "trans_rate": "TransRate"}
START_CAPTION = (
    "Of pooled features of the diagnosis's labelled training images before it is trained; more is "
    "better. LogME: You et al. 2021; H-score: shrunk, Ibrahim et al. 2022; TransRate: Huang et al. "
    "2022, which says little where images are fewer than features."
)


def stage_table(record: RunRecord) -> Table:
    """The chain with its costs."""
    columns = (
        *("Stage", "Part", "Task", "Data", Column("Images", 3), "Size", Column("Epochs", 3)),
        *(Column("Time", 4), Column("Images/s", 2), Column("Peak MB", 1), Column("Own metric", 2)),
        *(Column("Value", 2), Column("Trained by", 1)),
    )
    rows: list[Row] = [
        (
            *(row.name, row.part, row.task, row.data, row.images, row.size, row.epochs),
            None if row.seconds is None else TableCell(duration(row.seconds), row.seconds),
            None
            if row.images_per_second is None
            else TableCell(_short(row.images_per_second), row.images_per_second),
            number(row.peak_memory_mb, ",.0f"),
            row.metric if row.value is not None else None,
            row.value if row.metric is not None else None,
            row.reused or "this experiment",
        )
        for row in record.stages
    ]
    return make_table("Stages", stage_caption(record.stages), columns, rows)


def stage_caption(stages: Sequence[StageRow]) -> str:
    """What the stage table's numbers are, and what the chain cost."""
    new = [row.seconds for row in stages if row.reused is None and row.seconds is not None]
    old = [row.seconds for row in stages if row.reused and row.seconds is not None]
    cost = [f"Trained by this experiment: {duration(sum(new))}."] if new else []
    cost += [f"Reused, at the cost of their own training: {duration(sum(old))}."] if old else []
    note = "Own metric: the stage's at its end, without an interval; it is not a result."
    beside = [f"{row.name}: {row.references}." for row in stages if row.references]
    found = [f"WARNING: {row.name}: {one}." for row in stages for one in row.findings]
    return " ".join([*found, *cost, note, *beside])


def start_table(record: RunRecord) -> Table | None:
    """What the backbone of each stage promises to the diagnosis, beside what it gained."""
    if not record.starts:
        return None
    measured = next((row for row in record.starts if row.gain is not None), None)
    columns: list[str | Column] = ["Begins from", "Images", *SCORE_NAMES.values()]
    if measured:
        columns.append(f"Gain, {measured.metric}, {measured.split}")
    rows: list[Row] = [
        (
            *(row.begins, row.images, *(getattr(row, name) for name in SCORE_NAMES)),
            *([_gain(row)] if measured else []),
        )
        for row in record.starts
    ]
    gained = (
        " Gain: of the diagnosis that begins from it over the one from scratch, where the store "
        "has both, with its 95 % interval over patients; of one seed."
    )
    return make_table(START_TITLE, START_CAPTION + (gained if measured else ""), columns, rows)


def _gain(row: StartRow) -> TableCell | None:
    if row.gain is None:
        return None
    known = row.low is not None and row.high is not None
    note = f"[{row.low:+.3f}, {row.high:+.3f}]" if known else ""
    return TableCell(f"{row.gain:+.3f}", row.gain, note)


def network_table(networks: Sequence[NetworkRow]) -> Table:
    """What the arms' networks hold and cost, so that they can be matched."""
    sizes = list(dict.fromkeys(size for row in networks for size in row.flops))
    columns = (
        *("Arm", "Network", "Operator", "Parameters", "In operators", "Share"),
        *(f"GFLOPs at {size}" for size in sizes),
    )
    rows: list[Row] = [
        (
            *(row.arm, row.network, row.operator, row.parameters, row.in_operators),
            number(100 * row.in_operators / row.parameters, ".2f", " %"),
            *(number(_giga(row.flops.get(size)), ".4f") for size in sizes),
        )
        for row in networks
    ]
    caption = "Without the heads; a forward pass over one image."
    title = "What the networks hold and cost" if len(networks) > 1 else "What the network holds"
    return make_table(title, " ".join([caption, *_matches(networks)]), columns, rows)


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
    names = list(dict.fromkeys(one for table in curves.values() for one in gate_columns(table)))
    rows: list[Row] = [
        (name, *(last_value(table, column) for column in names))
        for name, table in curves.items()
        if gate_columns(table)
    ]
    columns = ("Stage", *map(gate_title, names))
    return make_table(GATE_TITLE, GATE_CAPTION, columns, rows) if rows else None


def gate_title(column: str) -> str:
    """A logged column as a title: "gate/16" gives "Gate, stride 16"."""
    return column.capitalize().replace("/", ", stride ")


def data_tables(data: Mapping[str, pd.DataFrame]) -> list[Table]:
    """Counts of each stage's images by split and class."""
    tables = []
    for name, counts in data.items():
        rows: list[Row] = [
            (str(split), *map(int, row))
            for split, row in zip(counts.index, counts.to_numpy(), strict=True)
        ]
        columns = ("Split", *map(str, counts.columns))
        caption = "Images, patients, and images of each class."
        tables.append(make_table(f"Stage {name}", caption, columns, rows))
    return tables


def _giga(number: int | None) -> float | None:
    return None if number is None else number / 1e9


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 99.95 else f"{number:.3g}"
