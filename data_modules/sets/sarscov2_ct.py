"""SARS-CoV-2 CT-scan.

Soares et al., "SARS-CoV-2 CT-scan dataset: a large dataset of real patients CT scans for SARS-CoV-2
identification", medRxiv 2020.04.24.20078584; on Kaggle as plameneduardo/sarscov2-ctscan-dataset.
"""

from pathlib import Path

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listing import find_images, make_table, other_folders, require_folder
from data_modules.splits import split_by_patient

NAME = "sarscov2_ct"
CLASSES = ("non-COVID", "COVID")
URL = "https://www.kaggle.com/datasets/plameneduardo/sarscov2-ctscan-dataset"
HOW = f"download {URL}"
DESCRIPTION = Description(
    title="SARS-CoV-2 CT-scan",
    shows="CT slices of the chest: COVID-19 or not",
    authors="Soares, Angelov, Biaso, Froes, Abe",
    year=2020,
    reference="doi 10.1101/2020.04.24.20078584",
    licence="CC BY-NC-SA 4.0",
    size="231 MB",
    url=URL,
    layout="""\
COVID/Covid (1).png ...
non-COVID/Non-Covid (1).png ...""",
    needs=("COVID", "non-COVID"),
    counts=(Count(1230, "non-COVID"), Count(1252, "COVID")),
    tested="drawn miniature",
    patients=None,
    who="not named: each image is its own group, and images that are nearly alike are one",
    notes=(
        "the paper counts 1,230 images without COVID-19; some who downloaded the set count 1,229",
        "the paper speaks of 120 patients, with several slices each, but no file says whose a "
        "slice is: results on any split of it are likely to be too good",
        "no split was published: dealt 70/10/20",
    ),
)


def index(root: Path, split_seed: int = 0) -> Samples:
    """SARS-CoV-2 CT-scan: 2,482 CT slices from Sao Paulo, whose patients are not named.

    Args:
        root: The folder that holds `COVID` and `non-COVID`.
        split_seed: Seed of the split.

    Raises:
        DataError: Where a folder is missing or empty.
    """
    for name in CLASSES:
        require_folder(root / name, HOW)
    others = other_folders(root, CLASSES)
    found = find_images(root, *CLASSES)
    labels = [path.split("/")[0] for path in found.images]
    empty = [name for name in CLASSES if name not in labels]
    if empty:
        raise DataError(f"{root / empty[0]}: no images: {HOW}")
    table = make_table(found.images, source=NAME, label=labels)
    table["split"] = split_by_patient(table, split_seed)
    note = f"patients are not named: each image is its own group; split 70/10/20, seed {split_seed}"
    return Samples(
        root,
        table,
        classes=CLASSES,
        positive="COVID",
        patients_named=False,
        alone=True,
        split_seed=split_seed,
        notes=(note, *others, *found.notes()),
    )
