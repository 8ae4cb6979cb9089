"""CIFAR-100.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from pathlib import Path

from data_modules.samples import Samples
from data_modules.sets.cifar_files import Form, read_cifar
from data_modules.sets.description import Count, Description

URL = "https://www.cs.toronto.edu/~kriz/cifar.html"
FORM = Form(
    name="cifar100",
    files={"train.bin": "train", "test.bin": "test"},
    classes="fine_label_names.txt",
    label_bytes=2,
    how=f"download the binary version from {URL} and unpack it there",
)
DESCRIPTION = Description(
    title="CIFAR-100",
    shows="natural images of 32 px: 100 kinds of things",
    authors="Krizhevsky",
    year=2009,
    reference="technical report, University of Toronto (no DOI)",
    licence="none is stated",
    size="about 160 MB",
    url=URL,
    layout="""\
train.bin                 rows of a coarse and a fine label byte and 3,072 bytes of pixels
test.bin
fine_label_names.txt      the names of the classes, one per line""",
    needs=(*FORM.files, FORM.classes),
    counts=(Count(60000), Count(10000, split="test")),
    tested="drawn miniature",
    patients=None,
    who="does not apply: each image is its own group",
    notes=(
        "the publisher asks to cite the report",
        "the binary version is read, for that of Python consists of pickles, which can run code",
        "the images are written once as PNG files into a folder beside the .bin files",
        "the training part is dealt 87.5/12.5 into train and val; each class has 600 images",
        "the 20 coarse labels are not used",
    ),
)


def index(root: Path, split_seed: int = 0) -> Samples:
    """CIFAR-100: 60,000 natural images of 32 x 32 px in 100 classes, from its binary version.

    Args:
        root: The folder of the .bin files. The images are written into a folder below it.
        split_seed: Seed by which an eighth of the training part becomes val.

    Raises:
        DataError: Where a file is missing or damaged, or the folder cannot be written.
    """
    return read_cifar(root, FORM, split_seed)
