"""The tables of a run, for the terminal (rich) and for report.md (Markdown).

Rows keep the order of the record, and no number is marked as best: a loss is printed like a gain.
"""

import re
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from matl.evaluation.metrics import CONFIDENCE, METRICS, RESAMPLES, THRESHOLD
from matl.evaluation.paired import PAIRED_HEADER, Paired
from matl.evaluation.statistics.calibration import BINS, Calibration
from matl.report.run_record import Result, RunRecord, StageRow

METRICS_A_LINE = 4
SOURCE_METRICS = ("auroc", "accuracy")
PATIENT_CAPTION = (
    "A patient's score is the mean of its images' scores; it is positive where any image is."
)
# Fits the longest estimate, "0.812 [0.75, 0.87]".
_ESTIMATE_WIDTH = 18
_STAGE_HEADER = (
    *("Stage", "Part", "Task", "Data", "Images", "Size", "Epochs", "Time", "Images/s", "Peak MB"),
    *("Own metric", "Trained by", "Fingerprint"),
)
_SPECIAL = re.compile(r"[\\`*\[\]<>|~&$#]|(?<![^\W_])_|_(?![^\W_])")


def stage_table(record: RunRecord) -> Table:
    """The chain with its costs, readable at 100 columns."""
    table = _table(f"{record.experiment}: stages", stage_caption(record))
    for name in ("Stage", "Data"):
        table.add_column(name, overflow="fold", min_width=14)
    for name in ("Time", "Images/s", "Peak MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Own metric", overflow="fold", min_width=10)
    for row in record.stages:
        name = f"{row.name}\npart {row.part}, {row.task}"
        if row.reused is not None:
            name += f"\nreused: {row.reused}"
        data = f"{row.data}\n{row.images:,} images\n{row.size}, {row.epochs:,} epochs"
        cells = (name, data, *_costs(row), _own_metric(row, "\n"))
        table.add_row(*map(Text, cells))
    return table


def diagnosis_table(record: RunRecord, split: str | None = None) -> Table:
    """Every diagnosis with every metric, readable at 100 columns.

    Args:
        record: The run.
        split: "test" or "val"; by default test where it has scores, else val.

    Raises:
        ValueError: Where no diagnosis has scores of the split.
    """
    results = _results(record, split)
    names = list(METRICS)
    lines = [names[at : at + METRICS_A_LINE] for at in range(0, len(names), METRICS_A_LINE)]
    table = _table(diagnosis_title(record, results), diagnosis_caption(record, results))
    table.add_column("Model", overflow="fold", min_width=10)
    for name in lines[0]:
        table.add_column(METRICS[name], no_wrap=True, min_width=_ESTIMATE_WIDTH)
    for number, line in enumerate(lines):
        if number:
            table.add_section()
            table.add_row("", *(Text(METRICS[name], "bold") for name in line))
            table.add_section()
        for result in results:
            cells = (result.model, *(str(result.metrics[name]) for name in line))
            table.add_row(*map(Text, cells))
    return table


def stage_markdown(record: RunRecord) -> str:
    """`stage_table` as a Markdown table without its caption."""
    rows = [
        (
            escape(row.name),
            str(row.part),
            escape(row.task),
            escape(row.data),
            f"{row.images:,}",
            escape(row.size),
            f"{row.epochs:,}",
            *_costs(row),
            escape(_own_metric(row, " ")),
            escape(row.reused or "this experiment"),
            escape(row.fingerprint[:12]),
        )
        for row in record.stages
    ]
    return markdown_table(_STAGE_HEADER, rows)


def diagnosis_markdown(record: RunRecord, split: str | None = None) -> str:
    """`diagnosis_table` as a Markdown table without title and caption."""
    rows = [
        (escape(result.model), *(str(result.metrics[name]) for name in METRICS))
        for result in _results(record, split)
    ]
    header = ("Model", *METRICS.values())
    return markdown_table(header, rows)


def paired_markdown(differences: Sequence[Paired]) -> str:
    """Differences of diagnoses as a Markdown table without its caption."""
    return markdown_table(PAIRED_HEADER, [tuple(map(escape, one.cells())) for one in differences])


def source_markdown(record: RunRecord, split: str) -> str:
    """What each diagnosis is worth on each source alone, as a Markdown table."""
    rows = [
        (
            escape(group.source),
            escape(model),
            f"{group.images:,}",
            f"{group.patients:,}",
            f"{group.positives:,}",
            *(str(group.metrics[name]) for name in SOURCE_METRICS),
        )
        for model, groups in record.sources(split).items()
        for group in groups
    ]
    header = ("Source", "Model", "Images", "Patients", "Positives")
    names = [METRICS[name] for name in SOURCE_METRICS]
    return markdown_table((*header, *names), sorted(rows, key=lambda row: row[0]))


def calibration_line(calibrations: Mapping[str, Calibration]) -> str:
    """The calibration error of each diagnosis before and after its temperature, in a line."""
    parts = "; ".join(f"{name} {_calibration(one)}" for name, one in calibrations.items())
    return (
        f"Calibration error on test over {BINS} bins, then at a temperature fitted on val: {parts}."
        " By chance: about what calibrated scores of these patients would show; there is no"
        " interval, for resampling adds to the error."
    )


def stage_caption(record: RunRecord) -> str:
    """What the stage table's numbers are, and what the chain cost."""
    new = [row.seconds for row in record.stages if row.reused is None and row.seconds is not None]
    old = [row.seconds for row in record.stages if row.reused and row.seconds is not None]
    cost = [f"Trained by this experiment: {duration(sum(new))}."] if new else []
    cost += [f"Reused, at the cost of their own training: {duration(sum(old))}."] if old else []
    note = "Own metric: the stage's at its end, without an interval; it is not a result."
    return " ".join([*cost, note])


def diagnosis_title(record: RunRecord, results: Sequence[Result]) -> str:
    """Experiment, split and positive class in a line."""
    return f"{record.experiment}: diagnosis, {results[0].split} split, positive = {record.positive}"


def diagnosis_caption(record: RunRecord, results: Sequence[Result]) -> str:
    """Images, patients, seeds, and what an interval is."""
    images = f"{counted(record, results[0])}."
    if len({counted(record, result) for result in results}) > 1:
        images = "; ".join(f"{result.model}: {counted(record, result)}" for result in results)
        images += ". The rows are of different images: do not compare them."
    seeds = "1 seed" if record.seeds == 1 else f"{record.seeds} seeds"
    estimates = [estimate for result in results for estimate in result.metrics.values()]
    undefined = any(one.value is None for one in estimates)
    bare = any(one.value is not None and one.low is None for one in estimates)
    sentences = [
        f"Positive class: {record.positive}; negative: {record.negative}.",
        images,
        f"{seeds} of the whole chain.",
        f"value [low, high]: {100 * CONFIDENCE:.0f} % percentile interval over {RESAMPLES:,}"
        " resamples of patients; it does not cover the choice of the seed.",
        f"Threshold {THRESHOLD}. Brier: low is good.",
    ]
    sentences += ["undefined: the images are of one class."] if undefined else []
    if bare:
        sentences += ["[none]: fewer than two patients, or of a class, or all resamples alike."]
    sentences += [f"Split: {record.split_note}."] if record.split_note else []
    return " ".join(sentences)


def duration(seconds: float) -> str:
    """Seconds in words: "4.2 s", "12 min 3 s", "3 h 20 min", "120 h"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    if minutes < 6000:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 60:,} h"


def escape(text: str) -> str:
    """Text that Markdown prints as it is, on one line, also in a table's cell."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of cells that are escaped already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _table(title: str, caption: str) -> Table:
    return Table(
        title=Text(title, "bold"),
        caption=Text(caption, "dim"),
        caption_justify="left",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _results(record: RunRecord, split: str | None) -> list[Result]:
    split = split or next(iter(record.splits()), "test")
    results = record.results(split)
    if not results:
        raise ValueError(f"no diagnosis has scores of the {split} split")
    return results


def counted(record: RunRecord, result: Result) -> str:
    """Images, patients, and images of each class, in words."""
    negatives = result.images - result.positives
    return (
        f"{result.images:,} images of {result.patients:,} patients"
        f" ({result.positives:,} {record.positive}, {negatives:,} {record.negative})"
    )


def _costs(row: StageRow) -> tuple[str, ...]:
    return (
        "" if row.seconds is None else duration(row.seconds),
        "" if row.images_per_second is None else _short(row.images_per_second),
        "" if row.peak_memory_mb is None else f"{row.peak_memory_mb:,.0f}",
    )


def _calibration(one: Calibration) -> str:
    if one.temperature is None or one.scaled_error is None:
        return f"{one.error:.3f} (no temperature fits; {one.by_chance:.3f} by chance)"
    scaled = f"{one.scaled_error:.3f} at temperature {one.temperature:.2f}"
    return f"{one.error:.3f}, {scaled} ({one.by_chance:.3f} by chance)"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 99.95 else f"{number:.3g}"


def _own_metric(row: StageRow, separator: str) -> str:
    if row.metric is None or row.value is None:
        return ""
    return f"{row.metric}{separator}{row.value:.3f}"
