"""The page of a run, made from the files in its folder."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from matl.checksums import read_file
from matl.errors import MatlError
from matl.evaluation.confusion import confusions
from matl.evaluation.metrics import THRESHOLD, Estimate
from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.scored import Result, Scored, ScoredModels
from matl.evaluation.units import units_of
from matl.files import json_bytes, read_json, replace_file
from matl.names import (
    CKA_FIGURE,
    EMBEDDINGS_FIGURE,
    EXPERIMENT,
    EXPLANATION,
    FINDINGS,
    OVERLAYS_FIGURE,
    PAGE,
    evaluation_records,
)
from matl.report import stage_tables
from matl.report.closing import closing_sentence
from matl.report.diagnosis_tables import calibration_table, unit_caption
from matl.report.html.picture import FigureFolder
from matl.report.html.provenance import digest_table, facts
from matl.report.html.render import render
from matl.report.html.run_pictures import score_pictures, training_pictures
from matl.report.leak_rows import all_results, leak_caption
from matl.report.multi_class_tables import unit_caption as class_unit_caption
from matl.report.plain_values import plain_value
from matl.report.rows import CHAIN, FLOOR, FROM_SCRATCH
from matl.report.run_files import read_record
from matl.report.run_record import RunRecord
from matl.report.score_tables import tables_of
from matl.report.words import (
    CONFUSION_COLOURS,
    CONFUSION_LEGEND,
    counted,
    duration,
)

INSIDE = {
    OVERLAYS_FIGURE: "Right and wrong cases, drawn at random, with their maps.",
    CKA_FIGURE: "How alike the networks of the chain are, by linear CKA.",
    EMBEDDINGS_FIGURE: "The images as the diagnosis sees them, in two dimensions.",
}
"""The figures of `matl explain` that a page shows, with their captions."""


@dataclass(frozen=True)
class Headline:
    """What the first screen shows: one metric of every model on one split, of which classes."""

    metric: str
    split: str
    rows: list[tuple[str, Estimate]]
    classes: str
    caption: str


def write_run_page(folder: Path) -> Path:
    """Writes `report.html` and its figures into the folder of a finished run.

    Args:
        folder: Where `matl.report.run_report.write_report` wrote the run's record.

    Returns:
        The page's path.

    Raises:
        MatlError: The folder holds no record, or a file in it is damaged.
    """
    record = read_record(folder)
    figures = FigureFolder(folder)
    page = render(
        "run.html",
        title=record.experiment,
        record=record,
        sentence=closing_sentence(record),
        headline=headline(record.scored),
        **_chain(record),
        **_diagnosis(record),
        external=tables_of(record).external_table(record, _external(folder)),
        curves=figures.drawn(score_pictures(record.scored)),
        training=figures.drawn(training_pictures(record.curves)),
        inside=_inside(folder / EXPLANATION),
        networks=stage_tables.network_table(record.networks) if record.networks else None,
        gates=stage_tables.gate_table(record.curves),
        data=stage_tables.data_tables(record.data),
        **_provenance(record, folder),
    )
    figures.tidy()
    replace_file(folder / PAGE, page)
    return folder / PAGE


def _external(folder: Path) -> list[RunRecord]:
    """What `matl evaluate` left in the run's folder."""
    return [read_record(file.parent) for file in evaluation_records(folder)]


def headline(scored: ScoredModels) -> Headline | None:
    """AUROC on test; where images are of one class, the accuracy; without test, of val."""
    for split in scored.splits():
        results = all_results(scored, split)
        defined = any(one.metrics["auroc"].value is not None for one in results)
        metric = "auroc" if defined else "accuracy"
        rows = [(one.model, one.metrics[metric]) for one in results]
        caption = _headline_caption(scored, split, results[0])
        return Headline(scored.titles[metric], split, rows, _classes(scored), caption)
    return None


def _classes(scored: ScoredModels) -> str:
    if isinstance(scored, Scored):
        return f"positive class {scored.positive}"
    return f"classes {', '.join(scored.about()['classes'])}"


def _headline_caption(scored: ScoredModels, split: str, result: Result) -> str:
    caption = (
        f"{counted(scored, result)}. In brackets: 95 % interval over "
        "patients; it does not cover the choice of the seed. Dot: the value; bar: its interval. "
        f"{CHAIN}: the diagnosis after all stages; {FROM_SCRATCH}: the same diagnosis without the "
        f"stages before it; {FLOOR}: what grey levels and image size alone reach."
    )
    return " ".join([caption, *leak_caption(scored, split)])


def _chain(record: RunRecord) -> dict[str, Any]:
    return {
        "chain": [row for row in record.stages if not row.from_scratch],
        "scratch": [row for row in record.stages if row.from_scratch],
        "chain_caption": stage_tables.stage_caption(record.stages),
        "stages": stage_tables.stage_table(record),
        "starts": stage_tables.start_table(record),
        "duration": duration,
    }


def _diagnosis(record: RunRecord) -> dict[str, Any]:
    splits, tables = record.scored.splits(), tables_of(record)
    results = {split: list(tables.split_tables(record, split)) for split in splits}
    if isinstance(record.scored, MultiClassScored):
        return {"results": results, **_class_confusion(record.scored)}
    return {"results": results, **_confusion(record.scored)}


def _confusion(scored: Scored) -> dict[str, Any]:
    split = next(iter(scored.splits()), "")
    units = units_of(scored, split)
    joined = " ".join(unit_caption(scored, split, unit) for unit in units[1:])
    return {
        "classes": (),
        "calibration": calibration_table(scored),
        "confusion": {f"By {unit}": confusions(scored, split, unit) for unit in units},
        "confusion_caption": (
            f"{split.capitalize()} split, threshold {THRESHOLD}; positive class: "
            f"{scored.positive}. {CONFUSION_LEGEND} {joined}"
        ).strip(),
    }


def _class_confusion(scored: MultiClassScored) -> dict[str, Any]:
    split = next(iter(scored.splits()), "")
    units = units_of(scored, split)
    joined = " ".join(class_unit_caption(scored, split, unit) for unit in units[1:])
    return {
        "classes": scored.classes,
        "calibration": None,
        "confusion": {f"By {unit}": scored.confusions(split, unit) for unit in units},
        "confusion_caption": f"{split.capitalize()} split. {CONFUSION_COLOURS} {joined}".strip(),
    }


def _inside(folder: Path) -> list[tuple[str, str]]:
    """The figures of `matl explain` as data, with their captions."""
    if not (folder / FINDINGS).is_file():
        return []
    where, maps = _said(folder)
    captions = {**INSIDE, OVERLAYS_FIGURE: " ".join([INSIDE[OVERLAYS_FIGURE], *maps])}
    return [
        (base64.b64encode(read_file(folder, name)).decode(), f"{caption} {where}")
        for name, caption in captions.items()
        if (folder / name).is_file()
    ]


def _said(folder: Path) -> tuple[str, list[str]]:
    """The split and the positive class of an explanation, and what each of its maps shows."""
    try:
        found = read_json(read_file(folder, FINDINGS))
        where = f"{found['split'].capitalize()} split; positive class: {found['positive']}."
        return where, [f"{name}: {shows}." for name, shows in found.get("methods", {}).items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MatlError(f"{folder / FINDINGS}: is damaged; type the matl explain again") from error


def _provenance(record: RunRecord, folder: Path) -> dict[str, Any]:
    manifests = record.manifest.get("stages", {})
    file = folder / EXPERIMENT
    return {
        "facts": facts(manifests.values()),
        "digests": digest_table(manifests),
        "manifest": json_bytes(record.manifest).decode(),
        "experiment": _experiment(folder) if file.is_file() else None,
    }


def _experiment(folder: Path) -> str:
    """The settings of a run as YAML, their paths hidden."""
    try:
        settings = yaml.safe_load(read_file(folder, EXPERIMENT))
    except (ValueError, yaml.YAMLError) as error:
        raise MatlError(
            f"{folder / EXPERIMENT}: is damaged; type its matl run again: nothing is trained twice"
        ) from error
    return yaml.safe_dump(plain_value(settings), sort_keys=False, allow_unicode=True)
