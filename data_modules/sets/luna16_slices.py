"""LUNA16 slices.

Setio et al., "Validation, comparison, and combination of algorithms for automatic detection of
pulmonary nodules in computed tomography images: the LUNA16 challenge", 2017.
"""

import re
from pathlib import Path

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.description import Description
from data_modules.sets.listing import find_images, make_table, require_folder

NAME = "luna16_slices"
HOW = "write slices of https://luna16.grand-challenge.org as <series UID>.mhd_<slice>.png into it"
DESCRIPTION = Description(
    title="LUNA16 (slices)",
    shows="axial chest CT slices without labels, for self-supervision",
    authors="Setio, Traverso, de Bel and others; the scans are of LIDC-IDRI (Armato et al.)",
    year=2017,
    reference="doi 10.1016/j.media.2017.06.015",
    licence="CC BY 4.0; LIDC-IDRI CC BY 3.0",
    size="of the volumes about 220 GB; of slices as many as are written",
    url="https://luna16.grand-challenge.org/Download/",
    layout="<series UID>.mhd_<slice>.png ...",
    needs=(),
    counts=(),
    tested="real files",
    patients=None,
    who="a series counts as a person; 888 series were published",
    notes=(
        "published are volumes (subset0/<series UID>.mhd and .raw); read here are slices of them, "
        "as many of each as were written",
        "nodules are in annotations.csv and candidates.csv, which are not read here",
    ),
)
SLICE = re.compile(r"(?P<series>[0-9.]+?)(\.mhd)?_(?P<slice>\d+)\.[A-Za-z]+$")


def index(root: Path) -> Samples:
    """LUNA16 as unlabelled axial slices; all are train, and a series counts as a patient.

    Args:
        root: The folder of files named `<series UID>.mhd_<slice>.png`.

    Raises:
        DataError: Where the folder is missing or empty, or a file name names no series.
    """
    require_folder(root, HOW)
    found = find_images(root)
    paths = found.images
    if not paths:
        raise DataError(f"{root}: no images: {HOW}")
    series = [_series(root, path) for path in paths]
    table = make_table(paths, source=NAME, patient=series, study=series)
    note = "unlabelled: all images are train, a series is a patient"
    return Samples(root, table, notes=(note, *found.notes()))


def _series(root: Path, path: str) -> str:
    found = SLICE.match(Path(path).name)
    if not found:
        raise DataError(f"{root / path}: the name is not <series UID>.mhd_<slice>.png; rename it")
    return found["series"]
