"""The numbers of an explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from matl.evaluation.metrics import patient_codes
from matl.explain.attribution import LUNG_SHARE, LungShare, lung_shares, share_inside
from matl.explain.cka import Alignment, align
from matl.explain.evidence import Diagnosis, Evidence
from matl.explain.pointing import Pointing, point, tolerance_of


@dataclass(frozen=True)
class Findings:
    """All numbers of an explanation.

    Attributes:
        tables: by the diagnosis's name, its table with `lung_share` (NaN without a lung field) and
            for each method the share of its map in the lungs.
        images: of the split.
        patients: that they are of.
        without_field: images in which no lung field was found.
        shares: of attribution inside the lungs, by the diagnosis's name.
        pointing: hits of the pointing game by the diagnosis's name; empty where no lesion is known.
        tolerance: of the pointing game, in pixels of the network's images.
        alignments: of each network and the next.
    """

    tables: Mapping[str, pd.DataFrame]
    images: int
    patients: int
    without_field: int
    shares: Mapping[str, Sequence[LungShare]]
    pointing: Mapping[str, Sequence[Pointing]]
    tolerance: int
    alignments: Sequence[Alignment]


def measure(evidence: Evidence) -> Findings:
    """Computes every number of an explanation."""
    pictures, diagnoses = evidence.pictures, evidence.diagnoses
    tables = {name: _with_shares(one, pictures.fields) for name, one in diagnoses.items()}
    patients = patient_codes(next(iter(tables.values())))
    pointing = {name: _pointing(one, evidence) for name, one in diagnoses.items()}
    return Findings(
        tables=tables,
        images=len(pictures.images),
        patients=int(patients.max()) + 1,
        without_field=int((~pictures.fields.any(axis=(1, 2))).sum()),
        shares={
            name: lung_shares(table, list(diagnoses[name].maps), evidence.classes)
            for name, table in tables.items()
        },
        pointing={name: results for name, results in pointing.items() if results},
        tolerance=tolerance_of(pictures.size),
        alignments=align(evidence.networks, list(pairwise(evidence.networks)), patients),
    )


def _with_shares(diagnosis: Diagnosis, fields: np.ndarray) -> pd.DataFrame:
    areas = fields.mean(axis=(1, 2))
    shares = {name: share_inside(maps, fields) for name, maps in diagnosis.maps.items()}
    lungs = np.where(areas > 0, areas, np.nan)
    return diagnosis.table.assign(**{LUNG_SHARE: lungs}, **shares)


def _pointing(diagnosis: Diagnosis, evidence: Evidence) -> list[Pointing]:
    """On the images of the positive class with a lesion; empty where there is none."""
    pictures = evidence.pictures
    if pictures.lesions is None:
        return []
    positive = (diagnosis.table["label"] == evidence.positive).to_numpy()
    ill = positive & pictures.lesions.any(axis=(1, 2))
    if not ill.any():
        return []
    maps = {name: maps[ill] for name, maps in diagnosis.maps.items()}
    return point(maps, diagnosis.table[ill], pictures.lesions[ill], pictures.fields[ill])
