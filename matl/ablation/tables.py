"""The tables of an ablation: one builder per subject, for every renderer."""

from collections.abc import Mapping, Sequence

import pandas as pd

from matl.ablation.ablation_record import (
    AblationRecord,
    Gates,
    MethodCost,
    StageCost,
    clean_name,
    covered,
)
from matl.ablation.schema import SCRATCH
from matl.evaluation.metrics import METRICS
from matl.evaluation.statistics.contrasts import Contrast
from matl.report.leak_rows import WHO_LEAKS, WITHOUT_LEAKS
from matl.report.paths import hide_paths
from matl.report.rows import current_name
from matl.report.stage_tables import (
    GATE_CAPTION,
    GATE_TITLE,
    SCORE_NAMES,
    START_CAPTION,
    START_TITLE,
    gate_title,
)
from matl.report.table import Column, Row, Table, TableCell, make_table
from matl.report.words import duration, p_in_words


def verdict_table(record: AblationRecord) -> Table | None:
    """The comparison that the ablation was made for; None before a seed has finished it."""
    one = record.primary
    if one is None or record.verdict is None:
        return None
    columns = (
        *("Comparison", "Split", Column("Verdict", 3), Column(record.metric_name, 3)),
        *(Column("Margin", 2), Column("Seeds", 1)),
    )
    seeds = TableCell(f"{one.plain.seeds} of {len(record.seeds)}", one.plain.seeds)
    row: Row = (one.what, one.place, record.verdict, _signed(one.plain), record.margin, seeds)
    caption = (
        "It holds where the whole 95 % interval lies above the margin, does not hold where it lies "
        f"below, and is undecided between. The interval is {covered([one.plain])}."
    )
    caption = " ".join([caption, *leaks_of_primary(record)])
    return make_table("Verdict", caption, columns, [row])


def leaks_of_primary(record: AblationRecord) -> Sequence[str]:
    """How many leaking images the primary comparison is computed with; nothing where none is."""
    tested = {one.split: one for one in record.tested}
    clean = tested.get(clean_name(record.split))
    if clean is None:
        return []
    whole = record.primary_tested
    persons = whole.patients - clean.patients
    return [
        f"{whole.images - clean.images:,} of its {whole.images:,} test images are of "
        f"{persons:,} {'person' if persons == 1 else 'persons'} {WHO_LEAKS}; the comparisons "
        f"{WITHOUT_LEAKS} are exploratory."
    ]


def tested_table(record: AblationRecord) -> Table:
    """The images that each split is tested on."""
    columns = ("Split", "Dealt", "Images", "Patients", "Positives", "Positive class")
    rows: list[Row] = [
        (one.split, one.dealt, one.images, one.patients, one.positives, one.positive)
        for one in record.tested
    ]
    caption = "Each test image once."
    if any(one.split.endswith(WITHOUT_LEAKS) for one in record.tested):
        caption += f" {WITHOUT_LEAKS.capitalize()}: without persons {WHO_LEAKS}."
    return make_table("What is tested", caption, columns, rows)


def comparison_table(record: AblationRecord) -> Table | None:
    """Every difference, the primary one first."""
    found = sorted(
        record.comparisons,
        key=lambda one: (not one.primary, one.split != record.split, -one.fraction),
    )
    rows: list[Row] = [
        (
            " − ".join(one.arms),
            *(one.regime, current_name(one.over), one.split, _share(one.fraction)),
            *(_signed(one.plain), _signed(one.logit), TableCell(p_in_words(one.p), one.p)),
            one.plain.seeds,
            "primary" if one.primary else "exploratory",
        )
        for one in found
    ]
    columns = (
        *("Gain of", Column("Regime", 3), Column("Minus", 3), "Split", "Labels"),
        *(Column(record.metric_name, 4), "Logit", Column("p", 2), "Seeds", Column("Role", 1)),
    )
    caption = (
        f"Value and 95 % interval {covered([one.plain for one in found])}. p: of a t test against "
        f"0.{_adjusted(record)} a − b: the gain of a less that of b.{_training_images(record)}"
    )
    first = 1 if record.primary else 0
    return make_table("Comparisons", caption, columns, rows, first) if rows else None


def mean_table(record: AblationRecord) -> Table | None:
    """What each arm reaches after each regime, beside the floor."""
    if not record.means:
        return None
    name = record.metric_name
    others = list(record.means[0].others)
    columns: list[str | Column] = [
        *("Arm", Column("Regime", 3), "Split", "Labels", Column(name, 4)),
        Column(f"Floor, {name}", 2),
        *(METRICS[other] for other in others),
        Column("Seeds", 1),
    ]
    found = sorted(record.means, key=lambda one: (one.split != record.split, -one.fraction))
    rows: list[Row] = [
        (
            *(one.arm, current_name(one.regime), one.split, _share(one.fraction)),
            TableCell(f"{one.value.value:.3f}", one.value.value, one.value.interval(".3f")),
            *(one.floor, *(one.others[other] for other in others)),
            one.value.seeds,
        )
        for one in found
    ]
    caption = (
        f"{name}: mean over the finished seeds, with its 95 % interval "
        f"{covered([one.value for one in found])}; intervals of two rows may overlap although "
        "their difference is clear, so read the comparisons. The others: mean over the cells, "
        "without an interval. Floor: what grey levels and image size alone reach."
        f"{_training_images(record)}"
    )
    return make_table("What each arm reaches", caption, columns, rows)


def promise_table(record: AblationRecord) -> Table | None:
    """What the diagnoses began from promised, beside what each arm gained."""
    gains = {
        (*one.arms, one.regime, one.split, one.fraction): one.plain
        for one in record.comparisons
        if one.over == SCRATCH and len(one.arms) == 1
    }
    rows: list[Row] = []
    for one in record.promises:
        gain = gains.get((one.arm, one.regime, one.split, one.fraction))
        rows.append(
            (
                *(one.arm, current_name(one.regime), one.split, _share(one.fraction)),
                *(one.scores[name] for name in SCORE_NAMES),
                *(None if gain is None else _signed(gain), one.cells),
            )
        )
    columns: list[str | Column] = ["Arm", Column("Regime", 3), "Split", "Labels"]
    columns += [*SCORE_NAMES.values(), Column(f"Gain, {record.metric_name}", 4), Column("Cells", 1)]
    caption = f"{START_CAPTION} Mean over the finished cells; the gain is that of the comparisons."
    return make_table(START_TITLE, caption + _ranked(record), columns, rows) if rows else None


def _ranked(record: AblationRecord) -> str:
    """How far cells with a larger promise gained more, in words."""
    if not record.ranks:
        return ""
    listed = ", ".join(f"{SCORE_NAMES[one.score]} {one.value:+.2f}" for one in record.ranks)
    return (
        f" Spearman's rank correlation of promise and gain, each over the same cell from scratch, "
        f"over {record.ranks[0].cells} cells, which share stages and patients: {listed}."
    )


def cell_states(cells: pd.DataFrame) -> dict[str, int]:
    """How many cells are finished, missing and failed."""
    kinds = cells["state"].str.partition(":")[0]
    return {str(kind): int(count) for kind, count in kinds.value_counts().items()}


def cell_table(record: AblationRecord, cells: pd.DataFrame) -> Table:
    """One row per cell."""
    floor = f"floor_{record.metric}"
    metrics = [name for name in METRICS if name in cells]
    columns = (
        *("Arm", "Regime", "Split", "Repeat", "Fold", "Labels", "Seed", "State"),
        *(METRICS[name] for name in metrics),
        *(f"Floor, {record.metric_name}", "Fingerprint"),
    )
    rows: list[Row] = [
        (
            *(str(cell["arm"]), current_name(str(cell["regime"])), str(cell["split"])),
            *(int(cell["repeat"]), int(cell["fold"]), _share(cell["fraction"]), int(cell["seed"])),
            hide_paths(str(cell["state"])),
            *(_known(cell.get(name)) for name in (*metrics, floor)),
            str(cell["fingerprint"])[:12],
        )
        for cell in cells.to_dict("records")
    ]
    caption = "Metrics of single models on the test images of their fold, without intervals."
    return make_table("The cells", caption, columns, rows)


def gate_table(gates: Sequence[Gates]) -> Table | None:
    """What the operators ended with, over seeds and splits."""
    names = list(dict.fromkeys(name for one in gates for name in one.values))
    rows: list[Row] = [
        (one.arm, one.chain, one.stages, *(_range(one.values, name) for name in names))
        for one in gates
    ]
    columns = ("Arm", "Chain up to the stage (regime)", "Stages", *map(gate_title, names))
    caption = (
        f"{GATE_CAPTION} Mean, least and most over the finished stages: seeds and splits. A stage "
        "that freezes the operators logs none."
    )
    return make_table(GATE_TITLE, caption, columns, rows) if rows else None


def cost_table(costs: Sequence[StageCost]) -> Table:
    """What sharing saves, measured on the finished stages."""
    columns = ("Stage", "Distinct", "Finished", "Uses", "Time", "Time without sharing")
    shared = sum(one.seconds for one in costs)
    alone = sum(one.unshared_seconds for one in costs)
    rows: list[Row] = [
        (
            *(one.stage, one.distinct, one.finished, one.uses),
            *(TableCell(duration(time), time) for time in (one.seconds, one.unshared_seconds)),
        )
        for one in costs
    ]
    caption = (
        f"All finished stages: {duration(shared)}; trained again for each cell they would have "
        f"taken {duration(alone)}. Training alone, as each stage measured it; uses: by cells."
    )
    return make_table("Cost with and without sharing", caption, columns, rows)


def method_table(methods: Sequence[MethodCost]) -> Table | None:
    """What each self-supervised method costs; None where none is finished."""
    columns: list[str | Column] = ["Arm", "Regimes", "Stage", "Method", "Passes", "Images/s"]
    columns += [Column("Peak MB", 2), "Time a stage", Column("Stages", 1)]
    rows: list[Row] = [
        (
            *(one.arm, ", ".join(map(current_name, one.regimes)), one.stage, one.method),
            f"{one.trained} + {one.teacher}" if one.teacher else str(one.trained),
            TableCell(f"{one.images_a_second:.1f}", one.images_a_second),
            TableCell(f"{one.peak_memory_mb:,.0f}", one.peak_memory_mb),
            TableCell(duration(one.seconds), one.seconds),
            one.finished,
        )
        for one in methods
    ]
    caption = (
        "Passes: through the trained network + through a teacher, a scan and step. Images/s and "
        "time are means over the finished stages, on the machine that trained them."
    )
    return make_table("Cost of self-supervision", caption, columns, rows) if rows else None


def _share(fraction: float) -> TableCell:
    return TableCell(f"{fraction:.0%}" if fraction >= 0.1 else f"{fraction:.1%}", fraction)


def _adjusted(record: AblationRecord) -> str:
    """That p and interval of one row say different things, where exploratory rows have both."""
    if not any(one.p is not None for one in record.comparisons if not one.primary):
        return ""
    return (
        " The p of exploratory comparisons are adjusted for their number by Holm's method, and "
        "the intervals beside them are not: one may lie off 0 where its p shows nothing."
    )


def _training_images(record: AblationRecord) -> str:
    folds = any(one.folds for one in record.tested)
    what = "Of a cross-validation the intervals do not cover the choice of the training images."
    return f" {what}" if folds else ""


def _signed(found: Contrast) -> TableCell:
    return TableCell(f"{found.value:+.3f}", found.value, found.interval())


def _range(values: Mapping[str, tuple[float, float, float]], name: str) -> TableCell | None:
    if name not in values:
        return None
    mean, least, most = values[name]
    return TableCell(f"{mean:.3f}", mean, f"{least:.3f} to {most:.3f}")


def _known(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
