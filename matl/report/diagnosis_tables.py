"""The tables of a run's diagnoses of two classes: one builder per subject, for every renderer.

Rows keep the order of the record, and no number is marked as best: a loss is printed like a gain.
"""

from collections.abc import Iterator, Sequence

from matl.evaluation.confusion import confusions
from matl.evaluation.joining import Unit
from matl.evaluation.metrics import METRICS, THRESHOLD
from matl.evaluation.paired import PAIRED_CAPTION, Paired
from matl.evaluation.scored import ModelResult, Scored, ScoredModels
from matl.evaluation.statistics.calibration import BINS
from matl.evaluation.units import has_volumes, mixed_units, units_of
from matl.report.leak_rows import all_paired, all_results, leak_caption, own_test_split
from matl.report.run_record import RunRecord
from matl.report.table import Column, Row, Table, TableCell, make_table
from matl.report.words import PLURALS, diagnosis_caption, joined_caption, p_in_words

SOURCE_METRICS = ("auroc", "accuracy")
_COUNTS = ("Images", "Patients", "Positives")
_SOURCE_COLUMNS = (Column(METRICS["auroc"], 1), METRICS["accuracy"])
_KINDS = ((True, True), (True, False), (False, True), (False, False))
"""Of confusion: truly positive, called positive."""


def split_tables(record: RunRecord, split: str) -> Iterator[Table]:
    """All that is said of a split: by image, differences, by study, by patient, by source.

    Studies, patients and sources have tables of their own where they differ from the images.
    """
    scored = _scored(record)
    yield diagnosis_table(record, split)
    if scored.paired(split):
        yield paired_table(scored, split)
    for unit in units_of(scored, split)[1:]:
        yield unit_table(scored, split, unit)
    if scored.sources(split):
        yield source_table(scored, split)


def shown_tables(record: RunRecord) -> list[Table]:
    """What a terminal shows: test, or val where nothing was tested; of volumes by study, too."""
    scored = _scored(record)
    split = next(iter(scored.splits()), "test")
    joined = units_of(scored, split)[1:] if has_volumes(scored, split) else []
    return [diagnosis_table(record), *(unit_table(scored, split, unit) for unit in joined)]


def last_tables(record: RunRecord, split: str) -> list[Table]:
    """What stands below the tables of the first split: calibration, confusion by every unit."""
    scored = _scored(record)
    calibration = calibration_table(scored) if split == "test" else None
    confusion = [confusion_table(scored, split, unit) for unit in units_of(scored, split)]
    return [*([calibration] if calibration else []), *confusion]


def diagnosis_table(record: RunRecord, split: str | None = None) -> Table:
    """Every diagnosis with every metric.

    Args:
        record: The run.
        split: "test" or "val"; by default test where it has scores, else val.

    Raises:
        ValueError: Where no diagnosis has scores of the split.
    """
    scored = _scored(record)
    split, results = scored.first_results(split)
    title = f"Diagnosis, {split} split, positive = {scored.positive}"
    caption = diagnosis_caption(scored, results, record.seeds, record.split_note)
    caption = " ".join([caption, *leak_caption(scored, split)])
    return _metric_table(title, caption, all_results(scored, split))


def unit_table(scored: Scored, split: str, unit: Unit) -> Table:
    """Every diagnosis with every metric, each study or patient counted once."""
    title, caption = f"Each {unit} once, {split} split", unit_caption(scored, split, unit)
    return _metric_table(title, caption, all_results(scored, split, unit))


def unit_caption(scored: Scored, split: str, unit: Unit) -> str:
    """How the images of studies or patients are taken together, and how many are of two labels."""
    caption, mixed = joined_caption(scored.join, unit), mixed_units(scored, split, unit)
    if mixed:
        caption += f" Positive, with images of both classes: {mixed:,} {PLURALS[unit]}."
    if unit == "patient" and has_volumes(scored, split) and "study" not in units_of(scored, split):
        caption += " Each patient has one study."
    return caption


def _metric_table(title: str, caption: str, results: Sequence[ModelResult]) -> Table:
    rows: list[Row] = [(one.model, *(one.metrics[name] for name in METRICS)) for one in results]
    return make_table(title, caption, ("Model", *METRICS.values()), rows)


def paired_table(scored: ScoredModels, split: str, caption: str = PAIRED_CAPTION) -> Table:
    """The first diagnosis minus each other one."""
    auroc = scored.titles["auroc"]
    columns = ("Difference", auroc, f"p of {auroc}", "Accuracy", "p of accuracy")
    rows = [_paired_row(one) for one in all_paired(scored, split)]
    return make_table(f"Differences, {split} split", caption, columns, rows)


def _paired_row(one: Paired) -> Row:
    auroc: Row = (TableCell("undefined", None), None)
    if one.auroc is not None:
        value = TableCell(f"{one.auroc.value:+.3f}", one.auroc.value, one.auroc.interval())
        auroc = (value, TableCell(p_in_words(one.auroc.known_p), one.auroc.known_p))
    accuracy = one.accuracy
    return (
        f"{one.first} - {one.second}",
        *auroc,
        TableCell(f"{accuracy.value:+.3f}", accuracy.value),
        TableCell(p_in_words(accuracy.known_p), accuracy.known_p),
    )


def source_table(scored: Scored, split: str) -> Table:
    """What each diagnosis is worth on each source alone."""
    columns = ("Source", Column("Model", 2), *_COUNTS, *_SOURCE_COLUMNS)
    rows: list[Row] = [
        (
            *(group.source, model, group.images, group.patients, group.positives),
            *(group.metrics[name] for name in SOURCE_METRICS),
        )
        for model, groups in scored.sources(split).items()
        for group in groups
    ]
    caption = "Intervals over the patients of the source."
    rows.sort(key=lambda row: str(row[0]))
    return make_table(f"Each source alone, {split} split", caption, columns, rows)


def external_table(record: RunRecord, external: Sequence[RunRecord]) -> Table | None:
    """The diagnoses on the run's own test split and on each data set of `matl evaluate`."""
    rows: list[Row] = [
        (
            *(where, one.model, of.positive, one.images, one.patients, one.positives),
            *(one.metrics[name] for name in SOURCE_METRICS),
        )
        for where, of in [
            *own_test_split(_scored(record)),
            *((one.experiment, _scored(one)) for one in external),
        ]
        for one in of.results("test")
    ]
    caption = "Intervals over the patients of each. " + " ".join(
        f"{one.experiment}: {one.split_note}." for one in external
    )
    columns = ("Images of", Column("Model", 2), "Positive class", *_COUNTS, *_SOURCE_COLUMNS)
    return make_table("External data sets", caption, columns, rows) if external else None


def calibration_table(scored: Scored) -> Table | None:
    """The calibration error of each diagnosis before and after its temperature."""
    rows: list[Row] = [
        (name, one.error, one.temperature, one.scaled_error, one.by_chance)
        for name, one in scored.calibrations().items()
    ]
    title = f"Calibration on the test split, positive: {scored.positive}"
    caption = (
        f"Error over {BINS} bins, and at a temperature fitted on val (empty where none fits). By "
        "chance: about what calibrated scores of these patients would show. There is no interval, "
        "for resampling adds to the error."
    )
    columns = ("Model", "Error", "Temperature", "Error at it", "By chance")
    return make_table(title, caption, columns, rows) if rows else None


def confusion_table(scored: Scored, split: str, unit: Unit = "image") -> Table:
    """How each diagnosis called the images, studies or patients of a split."""
    rows: list[Row] = [
        (one.model, *(one.counts[kind] for kind in _KINDS), one.sensitivity, one.specificity)
        for one in confusions(scored, split, unit)
    ]
    rates = (Column("Sensitivity", 1), Column("Specificity", 1))
    columns: list[str | Column] = ["Model", *(_kind(*kind) for kind in _KINDS), *rates]
    caption = (
        f"Threshold {THRESHOLD}; positive class: {scored.positive}. Rates with 95 % intervals over "
        "patients."
    )
    return make_table(f"Confusion by {unit}, {split} split", caption, columns, rows)


def _scored(record: RunRecord) -> Scored:
    assert isinstance(record.scored, Scored)
    return record.scored


def _kind(truly: bool, called: bool) -> str:
    return f"{'true' if truly == called else 'false'} {'positives' if called else 'negatives'}"
