"""LUNA16 slices.

Setio et al., "Validation, comparison, and combination of algorithms for automatic detection of
pulmonary nodules in computed tomography images: the LUNA16 challenge", 2017.
"""

import re
from pathlib import Path

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.listing import find_images, make_table, require_folder

NAME = "luna16_slices"
HOW = "write slices of https://luna16.grand-challenge.org as <series UID>.mhd_<slice>.png into it"
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
