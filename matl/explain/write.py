"""The folder of an explanation."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from matl.checksums import write_files
from matl.explain.alignment_figure import alignment_figure
from matl.explain.embeddings import LEAST_IMAGES, embed, embedding_figure
from matl.explain.evidence import Evidence
from matl.explain.findings import Findings, measure
from matl.explain.overlays import case_numbers, choose_cases, overlay_figure
from matl.explain.texts import as_json, as_markdown
from matl.files import json_bytes
from matl.names import (
    ATTRIBUTION,
    CKA_FIGURE,
    EMBEDDINGS_FIGURE,
    EXPLANATION_REPORT,
    FINDINGS,
    OVERLAYS_FIGURE,
)
from matl.report.drawing import png_bytes
from matl.spreadsheet import csv_bytes

COLUMNS = ("image", "source", "label", "outcome", "score", "case")


def write_explanation(evidence: Evidence, folder: Path) -> None:
    """Writes what the evidence shows.

    The folder then holds `overlays.png`, `attribution.csv` (one row per image and diagnosis),
    `cka.png` (where there are two networks), `embeddings.png` (where there are enough images),
    `explain.json` (every number) and `explain.md`, the last one written. Patients are not named.

    Args:
        evidence: of a run.
        folder: made where it does not exist; other files in it stay.
    """
    found = measure(evidence)
    first = next(iter(evidence.diagnoses))
    cases = choose_cases(evidence.diagnoses[first].table, evidence.classes, evidence.seed)
    title = f"{evidence.experiment}, {evidence.split} split"
    sheet = overlay_figure(
        cases,
        evidence.diagnoses[first],
        evidence.pictures,
        f"{title}: random cases of the diagnosis ({first})",
        evidence.positive,
    )
    lines = alignment_figure(found.alignments, title) if found.alignments else None
    figures = {OVERLAYS_FIGURE: sheet, CKA_FIGURE: lines, EMBEDDINGS_FIGURE: _embeddings(evidence)}
    drawn = [name for name, figure in figures.items() if figure is not None]
    contents = {
        **{name: png_bytes(figure) for name, figure in figures.items()},
        ATTRIBUTION: _rows(found, {first: case_numbers(cases)}),
        FINDINGS: json_bytes(as_json(evidence, found)),
        EXPLANATION_REPORT: as_markdown(evidence, found, drawn).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_files(folder, contents)


def _embeddings(evidence: Evidence) -> Figure | None:
    if len(evidence.pictures.images) < LEAST_IMAGES:
        return None
    places = {}
    for name, diagnosis in evidence.diagnoses.items():
        features = evidence.networks[diagnosis.network]
        places[name] = embed(features[max(features)], evidence.seed)
    table = next(iter(evidence.diagnoses.values())).table
    title = f"{evidence.experiment}, {evidence.split} split: t-SNE of the diagnosis's features"
    return embedding_figure(places, table, evidence.classes, title)


def _rows(found: Findings, cases: Mapping[str, Mapping[int, int]]) -> bytes:
    tables = []
    for model, table in found.tables.items():
        number = table.index.map(cases.get(model, {})).astype("Int64")
        table = table.assign(case=number).drop(columns="patient")
        order = [*COLUMNS, *table.columns.drop(list(COLUMNS))]
        tables.append(table[order].assign(model=model).set_index("model").reset_index())
    whole = pd.concat(tables, ignore_index=True)
    return csv_bytes(whole, float_format="%.6g")
