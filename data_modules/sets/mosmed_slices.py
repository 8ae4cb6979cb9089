"""MosMedData, as one slice of each study.

Morozov et al., "MosMedData: data set of 1110 chest CT scans performed during the COVID-19
epidemic", Digital Diagnostics 2020.
"""

from pathlib import Path, PurePosixPath

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listing import find_images, make_table, other_folders, require_folder
from data_modules.splits import split_by_patient

NAME = "mosmed_slices"
CLASSES = ("CT-0", "CT-1", "CT-2", "CT-3", "CT-4")
HOW = "write one slice of each study of https://mosmed.ai/en/datasets/ into CT-0/ to CT-4/"
DESCRIPTION = Description(
    title="MosMedData (slices)",
    shows="axial chest CT slices: how much of the lungs COVID-19 affects, in five degrees",
    authors="Morozov, Andreychenko, Pavlov, Vladzymyrskyy, Ledikhova, Gombolevskiy and others",
    year=2020,
    reference="doi 10.17816/DD46826",
    licence="CC BY-NC-ND 3.0",
    size="not known",
    url="https://mosmed.ai/en/datasets/covid191110",
    layout="""\
CT-0/<study>.jpg ...       no sign of COVID-19
CT-1/<study>.jpg ...       mild
CT-2/ CT-3/ CT-4/          moderate, severe, critical""",
    needs=CLASSES,
    counts=tuple(map(Count, (254, 684, 125, 45, 2), CLASSES)),
    tested="real files",
    patients=1110,
    who="one study is one person",
    notes=(
        "published are volumes, COVID19_1110/studies/CT-0/study_0001.nii.gz and so on; read here "
        "is one slice of each study, written as an image under a name of the study's own",
        "a label is the study's: the slice of a mild case (CT-1) may show nothing",
        "no split was published: dealt 70/10/20 by study; CT-4 has two images only",
        "the licence allows no changed copies to be passed on: keep the slices to yourself",
    ),
)


def index(root: Path, split_seed: int = 0) -> Samples:
    """MosMedData as one CT slice of each of its 1,110 studies: five degrees of COVID-19.

    Args:
        root: The folder that holds `CT-0` to `CT-4`.
        split_seed: Seed of the split.

    Raises:
        DataError: Where a folder is missing, or there is no image.
    """
    require_folder(root / CLASSES[0], HOW)
    others = other_folders(root, CLASSES)
    found = find_images(root, *CLASSES)
    if not found.images:
        raise DataError(f"{root}: no images in {', '.join(CLASSES)}: {HOW}")
    studies = [str(PurePosixPath(path).with_suffix("")) for path in found.images]
    table = make_table(
        found.images,
        source=NAME,
        label=[path.split("/")[0] for path in found.images],
        patient=studies,
        study=studies,
    )
    table["split"] = split_by_patient(table, split_seed)
    note = f"an image is a study, and a study a person; split 70/10/20, seed {split_seed}"
    return Samples(root, table, classes=CLASSES, notes=(note, *others, *found.notes()))
