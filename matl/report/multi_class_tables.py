"""The tables of a run whose diagnoses tell three classes and more apart, for every renderer."""

from collections.abc import Iterable, Iterator, Sequence

from matl.evaluation.class_metrics import ONE_CLASS
from matl.evaluation.joining import Unit
from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.units import has_volumes, mixed_units, units_of
from matl.report.diagnosis_tables import paired_table
from matl.report.leak_rows import all_results, leak_caption, own_test_split
from matl.report.run_record import RunRecord
from matl.report.table import Column, Row, Table, make_table
from matl.report.words import PLURALS, results_caption

SHORT = ("auroc", "accuracy")
"""The metrics of tables with a row for each model of several data sets."""
READING = (
    "An image is called by its likeliest class. Macro AUROC: the mean over the classes of each "
    "one's AUROC against the rest; balanced accuracy: the mean of their sensitivities."
)
LEFT_OUT = (
    "Left out, as they are of two classes: ROC, precision-recall and decision curves, calibration "
    "and average precision; name a positive class for them."
)
UNDEFINED = "no image is of one of the classes"
PAIRED = (
    "On the same images, with a patient's as a cluster: macro AUROCs by Obuchowski's variance "
    "(1997) for the mean of the classes' AUROCs, [low, high] is its 95 % interval; accuracies by "
    "McNemar's test for clusters (Yang, Sun and Hardin 2010). Of one seed of the chain. The p "
    "values are not adjusted for their number."
)


def split_tables(record: RunRecord, split: str) -> Iterator[Table]:
    """All that is said of a split: by image, differences, each class, by unit, by source."""
    scored = _scored(record)
    yield diagnosis_table(record, split)
    if scored.paired(split):
        yield paired_table(scored, split, PAIRED)
    yield class_table(scored, split)
    for unit in units_of(scored, split)[1:]:
        if scored.tables(split, unit):
            yield unit_table(scored, split, unit)
    if scored.sources(split):
        yield source_table(scored, split)


def shown_tables(record: RunRecord) -> list[Table]:
    """What a terminal shows of the first split that has scores."""
    scored = _scored(record)
    split = next(iter(scored.splits()), "test")
    return [
        diagnosis_table(record, split),
        class_table(scored, split),
        confusion_table(scored, split),
        *(
            unit_table(scored, split, unit)
            for unit in units_of(scored, split)[1:]
            if has_volumes(scored, split) and scored.tables(split, unit)
        ),
    ]


def last_tables(record: RunRecord, split: str) -> list[Table]:
    """What stands below the tables of the first split: how images and patients were called."""
    scored = _scored(record)
    return [confusion_table(scored, split, unit) for unit in units_of(scored, split)]


def diagnosis_table(record: RunRecord, split: str | None = None) -> Table:
    """Every diagnosis with every metric; see `matl.report.diagnosis_tables.diagnosis_table`.

    Raises:
        ValueError: Where no diagnosis has scores of the split.
    """
    scored = _scored(record)
    split, results = scored.first_results(split)
    named = ("in their order" if scored.ordered else "without an order", *scored.classes)
    about = f"Classes, {named[0]}: {', '.join(named[1:])}."
    caption = results_caption(
        scored, results, record.seeds, record.split_note, about, f"{READING} {LEFT_OUT}", UNDEFINED
    )
    caption = " ".join([caption, *leak_caption(scored, split)])
    title = f"Diagnosis, {split} split, {len(scored.classes)} classes"
    return make_table(title, caption, ("Model", *scored.titles.values()), _rows(scored, split))


def unit_table(scored: MultiClassScored, split: str, unit: Unit) -> Table:
    """Every diagnosis with every metric, each study or patient counted once."""
    title, rows = f"Each {unit} once, {split} split", _rows(scored, split, unit)
    columns = ("Model", *scored.titles.values())
    return make_table(title, unit_caption(scored, split, unit), columns, rows)


def unit_caption(scored: MultiClassScored, split: str, unit: Unit) -> str:
    """How a study's or a patient's images are taken together, and how many are left out."""
    caption = f"A {unit}'s probabilities are the means of its images'."
    left_out = mixed_units(scored, split, unit)
    return (
        f"{caption} Left out, with images of several classes: {left_out}." if left_out else caption
    )


def class_table(scored: MultiClassScored, split: str) -> Table:
    """What each diagnosis is worth for each class against the rest."""
    models = scored.classes_alone(split)
    rows: list[Row] = [
        (
            *(part.name, model, part.images, part.patients),
            *(part.metrics[metric] for metric in ONE_CLASS),
        )
        for at in range(len(scored.classes))
        for model, parts in models.items()
        for part in [parts[at]]
    ]
    columns: list[str | Column] = [
        "Class",
        Column("Model", 2),
        "Images",
        "Patients",
        *_columns(ONE_CLASS.values()),
    ]
    caption = "Intervals over patients. Specificity: of the images of the other classes."
    return make_table(f"Each class against the rest, {split} split", caption, columns, rows)


def source_table(scored: MultiClassScored, split: str) -> Table:
    """What each diagnosis is worth on each source alone."""
    rows: list[Row] = [
        (
            *(group.source, model, group.images, group.patients),
            *(group.metrics[name] for name in SHORT),
        )
        for model, groups in scored.sources(split).items()
        for group in groups
    ]
    rows.sort(key=lambda row: str(row[0]))
    columns: list[str | Column] = [
        "Source",
        Column("Model", 2),
        "Images",
        "Patients",
        *_short(scored),
    ]
    caption = f"Intervals over the patients of the source. undefined: {UNDEFINED}."
    return make_table(f"Each source alone, {split} split", caption, columns, rows)


def external_table(record: RunRecord, external: Sequence[RunRecord]) -> Table | None:
    """The diagnoses on the run's own test split and on each data set of `matl evaluate`."""
    rows: list[Row] = [
        (
            *(where, one.model, one.images, one.patients),
            *(one.metrics[name] for name in SHORT),
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
    columns: list[str | Column] = [
        "Images of",
        Column("Model", 2),
        "Images",
        "Patients",
        *_short(_scored(record)),
    ]
    return make_table("External data sets", caption, columns, rows) if external else None


def confusion_table(scored: MultiClassScored, split: str, unit: Unit = "image") -> Table:
    """How each diagnosis called the images, studies or patients of each class."""
    rows: list[Row] = [
        (name, model, *counts)
        for model, matrix in scored.confusions(split, unit).items()
        for name, counts in zip(scored.classes, matrix, strict=True)
    ]
    columns: list[str | Column] = [
        "Class",
        Column("Model", 2),
        *(f"Called {name}" for name in scored.classes),
    ]
    caption = f"How many of each class's {PLURALS[unit]} were called which."
    if unit != "image":
        caption += f" {unit_caption(scored, split, unit)}"
    return make_table(f"Confusion by {unit}, {split} split", caption, columns, rows)


def _scored(record: RunRecord) -> MultiClassScored:
    assert isinstance(record.scored, MultiClassScored)
    return record.scored


def _rows(scored: MultiClassScored, split: str, unit: Unit = "image") -> list[Row]:
    return [
        (one.model, *(one.metrics[name] for name in scored.titles))
        for one in all_results(scored, split, unit)
    ]


def _columns(titles: Iterable[str]) -> list[Column]:
    return [Column(title, 1) for title in titles]


def _short(scored: MultiClassScored) -> list[Column]:
    return _columns([scored.titles[name] for name in SHORT])
