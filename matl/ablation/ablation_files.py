"""An ablation's record as a file of its folder, and back."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from matl.ablation.ablation_record import AblationRecord, Comparison, Gates, Mean, StageCost, Tested
from matl.checksums import read_file, write_files
from matl.errors import MatlError
from matl.evaluation.metrics import METRICS
from matl.evaluation.statistics.contrasts import Contrast
from matl.files import json_bytes, read_json
from matl.names import RESULTS
from matl.report.plain_values import plain_value
from matl.report.run_record import NetworkRow


def write_record(record: AblationRecord, folder: Path) -> None:
    """Writes `results.json`."""
    write_files(folder, {RESULTS: json_bytes(plain_value(asdict(record)))})


def read_ablation(folder: Path) -> AblationRecord:
    """The record that an ablation wrote into its folder.

    Raises:
        MatlError: it is damaged.
    """
    try:
        return _read(read_json(read_file(folder, RESULTS)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder / RESULTS) from error


def read_fixed(file: Path) -> dict[str, Any]:
    """What was fixed of the primary analysis.

    Raises:
        MatlError: it is damaged or gone.
    """
    try:
        fixed = read_json(read_file(file.parent, file.name))
        if fixed.keys() >= {"hash", "cells", "finished_before"} and fixed["ablation"]["analysis"]:
            return fixed
    except (OSError, ValueError, AttributeError, KeyError, TypeError, MatlError):
        pass
    raise MatlError(
        f"{file}: is damaged or gone; restore it, for it says what was fixed before the first "
        "result, or delete it, type the matl ablate again, and call the comparisons exploratory"
    )


def damaged(file: Path) -> MatlError:
    """That a file of an ablation's folder cannot be read."""
    return MatlError(f"{file}: is damaged; type the matl ablate again: nothing is trained twice")


def _read(values: dict[str, Any]) -> AblationRecord:
    rows = {"tested": Tested, "networks": NetworkRow, "gates": Gates, "costs": StageCost}
    for name, kind in rows.items():
        values[name] = [kind(**row) for row in values[name]]
    values["gates"] = [_with_ranges(one) for one in values["gates"]]
    values["comparisons"] = [_contrasts(Comparison, row) for row in values["comparisons"]]
    values["means"] = [_contrasts(Mean, row) for row in values["means"]]
    return _coherent(AblationRecord(**values))


def _with_ranges(gates: Gates) -> Gates:
    """With tuples where JSON has lists."""
    ranges = {name: (mean, least, most) for name, (mean, least, most) in gates.values.items()}
    return replace(gates, values=ranges)


def _coherent(record: AblationRecord) -> AblationRecord:
    """A record whose parts name each other; else a `ValueError`."""
    splits = {one.split for one in record.tested}
    named = [
        record.split in splits,
        record.regime in record.regimes,
        record.metric in METRICS,
        len(record.comparison) == 2,
        isinstance(record.margin, int | float),
        bool(record.seeds) and bool(record.networks),
        {one.split for one in record.comparisons} <= splits,
        {one.split for one in record.means} <= splits,
    ]
    if not all(named):
        raise ValueError("the record is not whole")
    return record


def _contrasts(kind: type, row: dict[str, Any]) -> Any:
    """A `Comparison` or a `Mean` from its JSON form."""
    wanted = {one.name for one in fields(kind) if one.type is Contrast}
    if not all(isinstance(row[name]["value"], int | float) for name in wanted):
        raise TypeError("a value is no number")
    row |= {name: Contrast(**row[name]) for name in wanted}
    if "arms" in row:
        row["arms"] = tuple(row["arms"])
    return kind(**row)
