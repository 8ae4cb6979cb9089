"""An ablation's record as a file of its folder, and back."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from matl.ablation.ablation_record import AblationRecord
from matl.checksums import read_file, write_files
from matl.errors import MatlError
from matl.evaluation.metrics import METRICS
from matl.files import json_bytes, read_json
from matl.names import RESULTS
from matl.report.plain_values import plain_value
from matl.typed_json import typed


def write_record(record: AblationRecord, folder: Path) -> None:
    """Writes `results.json`."""
    write_files(folder, {RESULTS: json_bytes(plain_value(asdict(record)))})


def read_ablation(folder: Path) -> AblationRecord:
    """The record that an ablation wrote into its folder.

    Raises:
        MatlError: it is damaged.
    """
    try:
        return _coherent(typed(AblationRecord, read_json(read_file(folder, RESULTS))))
    except ValueError as error:
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


def _coherent(record: AblationRecord) -> AblationRecord:
    """A record whose parts name each other; else a `ValueError`."""
    splits = {one.split for one in record.tested}
    named = [
        record.split in splits,
        record.regime in record.regimes,
        record.metric in METRICS,
        len(record.comparison) in (1, 2),
        bool(record.seeds) and bool(record.networks),
        {one.split for one in record.comparisons} <= splits,
        {one.split for one in record.means} <= splits,
        len({frozenset(one.others) for one in record.means}) <= 1,
    ]
    if not all(named):
        raise ValueError("the record is not whole")
    return record
