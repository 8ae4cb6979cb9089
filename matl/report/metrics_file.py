"""The numbers of `metrics.json`: written once, and read again while their scores are the same."""

import hashlib
import json
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from matl.checksums import is_noted, read_file
from matl.errors import MatlError
from matl.evaluation.class_metrics import ClassResult
from matl.evaluation.joining import MEAN, Unit
from matl.evaluation.metrics import CONFIDENCE, RESAMPLES, THRESHOLD, Estimate
from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.paired import Paired
from matl.evaluation.scored import Scored, ScoredModels
from matl.evaluation.statistics.calibration import BINS, Calibration
from matl.evaluation.statistics.clustered import Difference
from matl.evaluation.units import JOINED_UNITS, mixed_units, units_of
from matl.files import read_json
from matl.names import METRICS_FILE
from matl.report.plain_values import plain_value
from matl.report.run_record import RunRecord

VERSION = 3
"""Of the numbers: raise it where the same scores can give others."""
Values = Mapping[str, Any]


def run_metrics(record: RunRecord, predictions: bytes | None) -> dict[str, Any]:
    """Every number of a run's diagnoses with its interval, split, positive class and seeds.

    Args:
        record: The run.
        predictions: Its `predictions.csv`.
    """
    scored = record.scored
    return {
        "experiment": record.experiment,
        "command": record.command,
        **score_metrics(scored, record.seeds, predictions),
        "differences": _differences(scored),
        **_without_leaks(scored, record.seeds),
        **(_of_two(scored) if isinstance(scored, Scored) else _of_several(scored)),
        "stages": [asdict(row) for row in record.stages],
    }


def _differences(scored: ScoredModels) -> list[dict[str, Any]]:
    return [
        {"split": split, **plain_value(asdict(one))}
        for split in scored.splits()
        for one in scored.paired(split)
    ]


def _without_leaks(scored: ScoredModels, seeds: int) -> dict[str, Any]:
    """The same without the test images of persons who leak; nothing where nobody does."""
    clean = scored.without_leaks()
    if clean is None:
        return {}
    left_out = {"left_out": scored.leaks()._asdict()}
    numbers = {**_by_unit(clean, seeds), "differences": _differences(clean)}
    return {"without_leaks": left_out | numbers}


def _by_unit(scored: ScoredModels, seeds: int) -> dict[str, Any]:
    """The metrics by image, and by study and by patient where these differ."""
    about = {**scored.about(), "seeds": seeds}
    results: dict[Unit, list[Any]] = {"image": [], "study": [], "patient": []}
    mixed: list[dict[str, Any]] = []
    for split in scored.splits():
        for unit in units_of(scored, split):
            results[unit] += scored.results(split, unit)
            if unit != "image" and (count := mixed_units(scored, split, unit)):
                mixed.append({"split": split, "unit": unit, "of_several_labels": count})
    joined = {unit: _rows(results[unit], about) for unit in JOINED_UNITS}
    return {
        "metrics": _rows(results["image"], about),
        **{f"by_{unit}": rows for unit, rows in joined.items()},
        "joined": {"by": scored.join, "mixed": mixed},
    }


def _of_two(scored: Scored) -> dict[str, Any]:
    """What exists for two classes alone."""
    rows = [
        {"model": model, "split": "test", "fitted_on": "val", "bins": BINS, **asdict(one)}
        for model, one in scored.calibrations().items()
    ]
    return {"calibration": rows}


def _of_several(scored: MultiClassScored) -> dict[str, Any]:
    """What exists for three classes and more alone: each class, and how images were called."""
    splits = scored.splits()
    return {
        "classes": [
            {"model": model, "split": split, **row}
            for split in splits
            for model, parts in scored.classes_alone(split).items()
            for row in _rows(parts, {})
        ],
        "confusion": [
            {"model": model, "split": split, "classes": list(scored.classes), "counts": counts}
            for split in splits
            for model, counts in plain_value(scored.confusions(split)).items()
        ],
    }


def score_metrics(scored: ScoredModels, seeds: int, predictions: bytes | None) -> dict[str, Any]:
    """The metrics by image, by study and patient where one has several, and by source.

    Args:
        scored: What they are of.
        seeds: Of the whole chain.
        predictions: The scores as a file, whose digest says later whether the numbers are of it.
    """
    about = {**scored.about(), "seeds": seeds}
    return {
        "interval": {"over": "patients", "confidence": CONFIDENCE, "resamples": RESAMPLES},
        **({"threshold": THRESHOLD} if isinstance(scored, Scored) else {}),
        **_by_unit(scored, seeds),
        "by_source": [
            {"model": model, "split": split, **row}
            for split in scored.splits()
            for model, groups in scored.sources(split).items()
            for row in _rows(groups, about)
        ],
        "inputs": _digest(scored, predictions),
    }


def _rows(results: Sequence[Any], about: Values) -> list[dict[str, Any]]:
    """A row for each metric of each result, with all that says what it is of."""
    rows = []
    for result in results:
        of = {name: one for name, one in vars(result).items() if name != "metrics"}
        rows += [
            {**of, "metric": metric, **asdict(estimate), **about}
            for metric, estimate in result.metrics.items()
        ]
    return rows


def _digest(scored: ScoredModels, predictions: bytes | None) -> str:
    settings = [VERSION, RESAMPLES, CONFIDENCE, THRESHOLD, sorted(scored.leaking)]
    settings += [scored.join] * (scored.join != MEAN)  # else as before there was a choice
    said = json.dumps([*settings, *scored.about().values()])
    return hashlib.sha256(said.encode() + (predictions or b"")).hexdigest()


def recall_metrics(scored: ScoredModels, folder: Path, predictions: bytes | None) -> None:
    """Puts the numbers of a folder's `metrics.json` into what is known of the same scores.

    Nothing is put where there is no such file, or where it is of other scores or of an earlier
    version.

    Args:
        scored: What is to be known.
        folder: Of the run or the ablation.
        predictions: The scores as they stand in the folder.
    """
    try:
        values = read_json(read_file(folder, METRICS_FILE))
        if not is_noted(folder, METRICS_FILE):
            return  # of an earlier version: a damaged number would be believed
        if values["inputs"] == _digest(scored, predictions):
            scored.known.update(_known(values, scored))
            if clean := scored.without_leaks():
                clean.known.update(_results_known(values["without_leaks"], clean))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MatlError):
        return  # they are computed from the scores


def _known(values: Values, scored: ScoredModels) -> dict[Hashable, Any]:
    known = _results_known(values, scored)
    for split in scored.splits():
        known["sources", split] = _parts(values["by_source"], split, "source", scored.source_kind)
    if "calibration" in values:
        known["calibrations",] = {
            row["model"]: Calibration(**_of(Calibration, row)) for row in values["calibration"]
        }
    if "classes" in values:
        for split in scored.splits():
            known["classes", split, "image"] = _parts(values["classes"], split, "name", ClassResult)
    return known


def _results_known(values: Values, scored: ScoredModels) -> dict[Hashable, Any]:
    known: dict[Hashable, Any] = {}
    for split in scored.splits():
        kind = scored.result_kind
        known["results", split, "image"] = _results(values["metrics"], split, kind)
        for unit in JOINED_UNITS:
            if found := _results(values.get(f"by_{unit}", []), split, kind):
                known["results", split, unit] = found
        if "differences" in values:
            rows = [row for row in values["differences"] if row["split"] == split]
            known["paired", split] = [_paired(row) for row in rows]
    return known


def _results(rows: Iterable[Values], split: str, kind: type) -> list[Any]:
    own = [row for row in rows if row["split"] == split]
    return _grouped(own, lambda row: row["model"], kind)


def _parts(rows: Iterable[Values], split: str, key: str, kind: type) -> dict[str, list[Any]]:
    """The results of each model's parts, which `key` names."""
    own = [row for row in rows if row["split"] == split]
    models = dict.fromkeys(row["model"] for row in own)
    return {
        name: _grouped([row for row in own if row["model"] == name], lambda row: row[key], kind)
        for name in models
    }


def _grouped(rows: Iterable[Values], of: Callable[[Values], str], kind: type) -> list[Any]:
    """One result for all rows of the same name, in their order."""
    grouped: dict[str, dict[str, Any]] = {}
    for row in rows:
        result = grouped.setdefault(of(row), {**_of(kind, row), "metrics": {}})
        result["metrics"][row["metric"]] = Estimate(**_of(Estimate, row))
    return [kind(**result) for result in grouped.values()]


def _paired(row: Values) -> Paired:
    auroc = None if row["auroc"] is None else _difference(row["auroc"])
    return Paired(row["first"], row["second"], auroc, _difference(row["accuracy"]))


def _difference(row: Values) -> Difference:
    return Difference(**{name: math.nan if one is None else one for name, one in row.items()})


def _of(kind: Any, row: Values) -> dict[str, Any]:
    return {one.name: row[one.name] for one in fields(kind) if one.name in row}
