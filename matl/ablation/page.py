"""The page of an ablation, made from the files in its folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from matl.ablation.ablation_files import damaged, read_ablation, read_fixed
from matl.ablation.ablation_record import AblationRecord, Comparison, covered, place
from matl.ablation.gain_figures import efficiency_figure, forest_figure
from matl.ablation.page_sides import side_training, sides
from matl.ablation.schema import SCRATCH
from matl.ablation.tables import (
    cell_states,
    cell_table,
    comparison_table,
    cost_table,
    gate_table,
    leaks_of_primary,
    mean_table,
    method_table,
    promise_table,
)
from matl.checksums import read_file
from matl.evaluation.metrics import METRICS
from matl.files import json_bytes, replace_file
from matl.names import ANALYSIS, CELLS, PAGE
from matl.report.html.picture import FigureFolder, Picture
from matl.report.html.render import render
from matl.report.paths import hide_paths
from matl.report.stage_tables import network_table
from matl.spreadsheet import read_csv

PRIMARY = "Orange: the primary comparison. All others are exploratory."
MARGIN = "Dashed: the primary comparison's margin."
EXPLORATORY = "All are exploratory."
NAMED: dict[str, type] = {
    **dict.fromkeys(("arm", "regime", "split", "state", "fingerprint"), str),
    **dict.fromkeys(("repeat", "fold", "seed"), int),
    "fraction": float,
}
"""What every row of `cells.csv` says, whether it has metrics or not."""


def write_ablation_page(folder: Path) -> Path:
    """Writes `report.html` and its figures into the folder of an ablation.

    Args:
        folder: Where `matl.ablation.ablation_record.write_record` wrote what is known so far.

    Returns:
        The page's path.

    Raises:
        MatlError: The record is damaged.
    """
    record = read_ablation(folder)
    cells = _read_cells(folder)
    figures = FigureFolder(folder)
    tested = {one.split: one for one in record.tested}
    compared = sides(tested[record.split], folder)
    if compared is not None:
        compared["curves"] = figures.drawn(compared["curves"])
    page = render(
        "ablation.html",
        title=record.name,
        record=record,
        tested=tested,
        forests=figures.drawn(_forests(record)),
        efficiency=figures.drawn(_efficiency(record)),
        compared=compared,
        training=figures.drawn(side_training(folder)),
        comparisons=comparison_table(record),
        means=mean_table(record),
        promises=promise_table(record),
        states=cell_states(cells),
        cells=cell_table(record, cells),
        networks=network_table(record.networks),
        gates=gate_table(record.gates),
        costs=cost_table(record.costs),
        methods=method_table(record.methods),
        strip=_strip(record),
        leaks=leaks_of_primary(record),
        covered=covered([record.primary.plain]) if record.primary else "",
        analysis=hide_paths(json_bytes(read_fixed(folder / ANALYSIS)).decode()),
    )
    figures.tidy()
    replace_file(folder / PAGE, page)
    return folder / PAGE


def _read_cells(folder: Path) -> pd.DataFrame:
    try:
        kinds: dict[str, Any] = {**NAMED, **dict.fromkeys(METRICS, float)}
        cells = read_csv(read_file(folder, CELLS), dtype=kinds, na_values=[""])
        return cells.dropna(subset=["state"])[[*NAMED, *cells.columns.drop(list(NAMED))]]
    except (OSError, ValueError, KeyError) as error:
        raise damaged(folder / CELLS) from error


def _strip(record: AblationRecord) -> dict[str, float] | None:
    """The places of the primary difference's value, ends, zero and margin on a line in [0, 1]."""
    if record.primary is None:
        return None
    found = record.primary.plain
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    places = {"value": found.value, "low": low, "high": high, "margin": record.margin}
    reach = 1.1 * max(map(abs, places.values())) or 1.0
    return {name: (one / reach + 1) / 2 for name, one in places.items()} | {"reach": reach}


def _forests(record: AblationRecord) -> Iterator[Picture]:
    """A figure for each split and share of the labels, the primary one first."""
    places = dict.fromkeys((one.split, one.fraction) for one in record.comparisons)
    for number, (split, fraction) in enumerate(sorted(places, key=_primary_first(record)), 1):
        own = [one for one in record.comparisons if (one.split, one.fraction) == (split, fraction)]
        own.sort(key=lambda one: (not one.primary, len(one.arms) == 1))
        where = place(split, fraction)
        listed = "; ".join(f"{one.what} {one.plain.text()}" for one in own)
        title = f"Gains on the split {where}"
        yield Picture(
            f"gains-{number}",
            forest_figure,
            (own, record.metric_name, record.margin, title),
            f"{title}, with intervals. {record.metric_name}: {listed}.",
            f"Split {where}; {_about(record, split)} Points: mean over seeds; lines: 95 % interval "
            f"{covered([one.plain for one in own])}, not adjusted for their number. "
            f"{_roles(record, own)}",
            wide=True,
        )


def _roles(record: AblationRecord, own: Sequence[Comparison]) -> str:
    if not own[0].primary:
        return EXPLORATORY
    return f"{PRIMARY} {MARGIN}" if record.margin else PRIMARY


def _efficiency(record: AblationRecord) -> Iterator[Picture]:
    """For each split with several shares of the labels, the AUROC and the gain over them."""
    for number, split in enumerate(record.tested, 1):
        means = [one for one in record.means if one.split == split.split]
        gains = [
            one
            for one in record.comparisons
            if (one.split, one.over, len(one.arms)) == (split.split, SCRATCH, 1)
        ]
        if len({one.fraction for one in means}) > 1:
            floors = pd.Series({one.fraction: one.floor for one in means}).sort_index()
            title = f"Label efficiency, split {split.split}"
            yield Picture(
                f"labels-{number}",
                efficiency_figure,
                (means, gains, floors, record.metric_name, title),
                f"{record.metric_name} and gain of each arm and regime over the share of the "
                f"labels, split {split.split}; the numbers stand in the tables above.",
                f"Split {split.split}; {_about(record, split.split)} Diagnoses were trained for as "
                "many steps at each share, up to half an epoch. Bars: 95 % interval "
                f"{covered([one.value for one in means])}. Exploratory.",
                wide=True,
            )


def _primary_first(record: AblationRecord) -> Any:
    return lambda where: (where[0] != record.split, -where[1])


def _about(record: AblationRecord, split: str) -> str:
    one = next(one for one in record.tested if one.split == split)
    return (
        f"{one.images:,} test images of {one.patients:,} patients, {one.dealt}; positive class: "
        f"{one.positive}."
    )
