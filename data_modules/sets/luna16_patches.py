"""LUNA16 nodule candidates.

Setio et al., "Validation, comparison, and combination of algorithms for automatic detection of
pulmonary nodules in computed tomography images: the LUNA16 challenge", 2017.
"""

from pathlib import Path

import pandas as pd

from data_modules.errors import DataError, first_line
from data_modules.samples import Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listing import find_images, make_table, other_folders, require_folder
from data_modules.splits import split_by_patient

NAME = "luna16_patches"
CLASSES = ("non_nodule", "nodule")
HOW = "put the patches into nodule/ and non_nodule/, with an index.csv (columns file, block5000)"

DESCRIPTION = Description(
    title="LUNA16 nodule candidates (patches)",
    shows="CT patches of 50 x 50 px: a nodule, or something else that was taken for one",
    authors="Setio, Traverso, de Bel and others; the scans are of LIDC-IDRI (Armato et al.)",
    year=2017,
    reference="doi 10.1016/j.media.2017.06.015",
    licence="CC BY 4.0; LIDC-IDRI CC BY 3.0",
    size="of the volumes about 220 GB; of these patches some MB",
    url="https://luna16.grand-challenge.org/Download/",
    layout="""\
nodule/cand_000013.png ...
non_nodule/cand_000007.png ...
index.csv                         columns file, block5000""",
    needs=("nodule", "non_nodule", "index.csv"),
    counts=(Count(1351, "nodule"), Count(6755, "non_nodule")),
    tested="real files",
    patients=None,
    who="not named: 5,000 neighbouring candidates (block5000) are one group",
    notes=(
        "cut from the volumes around the candidates of candidates.csv: all its nodules, and five "
        "others for each of them, out of 551,065 candidates",
        "no split was published: dealt 70/10/20 by group",
    ),
)


def index(root: Path, split_seed: int = 0) -> Samples:
    """LUNA16 nodule candidates: 8,106 patches of 50 x 50 px, split by neighbourhood.

    Candidates are split 70/10/20 by blocks of 5,000 neighbours.

    Args:
        root: The folder with `nodule/`, `non_nodule/` and `index.csv`.
        split_seed: Seed of the split.

    Raises:
        DataError: Where the folder or index.csv is missing, or a patch is in no row of it.
    """
    require_folder(root, HOW)
    others = other_folders(root, CLASSES)
    found = find_images(root, *CLASSES)
    paths = found.images
    block_of = _read_blocks(root / "index.csv")
    unlisted = [path for path in paths if path not in block_of]
    if unlisted or not paths:
        what = f"{len(unlisted)} patches, for example {unlisted[0]}," if unlisted else "all patches"
        raise DataError(f"{root}: {what} are missing in index.csv or in the folders: {HOW}")
    table = make_table(
        paths,
        source=NAME,
        label=[path.split("/")[0] for path in paths],
        patient=[block_of[path] for path in paths],
    )
    table["split"] = split_by_patient(table, split_seed)
    note = (
        "patients are not named: a group is 5,000 neighbouring candidates, which holds whole scans "
        f"but for those on its edge; split by group, 70/10/20, seed {split_seed}"
    )
    return Samples(
        root,
        table,
        classes=CLASSES,
        positive="nodule",
        patients_named=False,
        notes=(note, *others, *found.notes()),
    )


def _read_blocks(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise DataError(f"no file {path}: {HOW}")
    try:
        rows = pd.read_csv(path, usecols=["file", "block5000"], dtype=str, keep_default_na=False)
    except ValueError as error:
        raise DataError(f"{path}: {first_line(error)}: {HOW}") from error
    return dict(zip(rows["file"], rows["block5000"], strict=True))
