"""The tables of an ablation's page."""

from collections.abc import Mapping, Sequence

import pandas as pd

from matl.ablation.ablation_record import AblationRecord
from matl.ablation.results import covered
from matl.ablation.stage_costs import Gates, StageCost
from matl.evaluation.metrics import METRICS
from matl.evaluation.statistics.contrasts import Contrast
from matl.report.html.run_tables import GATE_CAPTION, GATE_TITLE, gate_title
from matl.report.html.table import Cell, Row, Table, make_table
from matl.report.paths import hide_paths
from matl.report.tables import duration


def comparison_table(record: AblationRecord) -> Table | None:
    """Every difference, the primary one first."""
    found = sorted(
        record.comparisons,
        key=lambda one: (not one.primary, one.split != record.split, -one.fraction),
    )
    rows: list[Row] = [
        (
            " − ".join(one.arms),
            *(one.regime, one.over, one.split, _share(one.fraction)),
            *(_signed(one.plain), _signed(one.logit), Cell(one.p_text, one.p)),
            one.plain.seeds,
            "primary" if one.primary else "exploratory",
        )
        for one in found
    ]
    header = (
        *("Gain of", "Regime", "Over", "Split", "Labels"),
        *(record.metric_name, "Logit", "p", "Seeds", "Role"),
    )
    caption = (
        f"Value and 95 % interval {covered([one.plain for one in found])}, not adjusted for their "
        "number. p: of a t test against 0; those of exploratory comparisons are adjusted by "
        f"Holm's method. a − b: the gain of a less that of b.{_training_images(record)}"
    )
    first = 1 if record.primary else 0
    return make_table("Comparisons", caption, header, rows, first) if rows else None


def mean_table(record: AblationRecord) -> Table | None:
    """What each arm reaches after each regime, beside the floor."""
    if not record.means:
        return None
    name = record.metric_name
    others = list(record.means[0].others)
    header = (
        *("Arm", "Regime", "Split", "Labels", name, f"Floor, {name}"),
        *(METRICS[other] for other in others),
        "Seeds",
    )
    found = sorted(record.means, key=lambda one: (one.split != record.split, -one.fraction))
    rows: list[Row] = [
        (
            *(one.arm, one.regime, one.split, _share(one.fraction)),
            Cell(f"{one.value.value:.3f}", one.value.value, one.value.interval(".3f")),
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
    return make_table("What each arm reaches", caption, header, rows)


def cell_states(cells: pd.DataFrame) -> dict[str, int]:
    """How many cells are finished, missing and failed."""
    kinds = cells["state"].str.partition(":")[0]
    return {str(kind): int(count) for kind, count in kinds.value_counts().items()}


def cell_table(record: AblationRecord, cells: pd.DataFrame) -> Table:
    """A row a cell."""
    floor = f"floor_{record.metric}"
    metrics = [name for name in METRICS if name in cells]
    header = (
        *("Arm", "Regime", "Split", "Repeat", "Fold", "Labels", "Seed", "State"),
        *(METRICS[name] for name in metrics),
        *(f"Floor, {record.metric_name}", "Fingerprint"),
    )
    rows: list[Row] = [
        (
            *(str(cell["arm"]), str(cell["regime"]), str(cell["split"])),
            *(int(cell["repeat"]), int(cell["fold"]), _share(cell["fraction"]), int(cell["seed"])),
            hide_paths(str(cell["state"])),
            *(_number(cell.get(name)) for name in (*metrics, floor)),
            str(cell["fingerprint"])[:12],
        )
        for cell in cells.to_dict("records")
    ]
    caption = "Metrics of single models on the test images of their fold, without intervals."
    return make_table("The cells", caption, header, rows)


def gate_table(gates: Sequence[Gates]) -> Table | None:
    """What the operators ended with, over seeds and splits."""
    columns = list(dict.fromkeys(name for one in gates for name in one.values))
    rows: list[Row] = [
        (one.arm, one.chain, one.stages, *(_range(one.values, name) for name in columns))
        for one in gates
    ]
    header = ("Arm", "Chain up to the stage (regime)", "Stages", *map(gate_title, columns))
    caption = (
        f"{GATE_CAPTION} Mean, least and most over the finished stages: seeds and splits. A stage "
        "that freezes the operators logs none."
    )
    return make_table(GATE_TITLE, caption, header, rows) if rows else None


def cost_table(costs: Sequence[StageCost]) -> Table:
    """What sharing saves, measured on the finished stages."""
    header = ("Stage", "Distinct", "Finished", "Uses", "Time", "Time without sharing")
    shared = sum(one.seconds for one in costs)
    alone = sum(one.unshared_seconds for one in costs)
    rows: list[Row] = [
        (
            *(one.stage, one.distinct, one.finished, one.uses),
            *(Cell(duration(time), time) for time in (one.seconds, one.unshared_seconds)),
        )
        for one in costs
    ]
    caption = (
        f"All finished stages: {duration(shared)}; trained anew for each cell they would have "
        f"taken {duration(alone)}. Training alone, as each stage measured it; uses: by cells."
    )
    return make_table("Cost with and without sharing", caption, header, rows)


def _share(fraction: float) -> Cell:
    return Cell(f"{fraction:.0%}" if fraction >= 0.1 else f"{fraction:.1%}", fraction)


def _training_images(record: AblationRecord) -> str:
    folds = any(one.folds for one in record.tested)
    what = "Of a cross-validation the intervals do not cover the choice of the training images."
    return f" {what}" if folds else ""


def _signed(found: Contrast) -> Cell:
    return Cell(f"{found.value:+.3f}", found.value, found.interval())


def _range(values: Mapping[str, tuple[float, float, float]], name: str) -> Cell | None:
    if name not in values:
        return None
    mean, least, most = values[name]
    return Cell(f"{mean:.3f}", mean, f"{least:.3f} to {most:.3f}")


def _number(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
