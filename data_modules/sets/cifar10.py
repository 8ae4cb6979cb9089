"""CIFAR-10.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from pathlib import Path

from data_modules.samples import Samples
from data_modules.sets.cifar_files import Form, read_cifar
from data_modules.sets.description import Count, Description

URL = "https://www.cs.toronto.edu/~kriz/cifar.html"
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
FORM = Form(
    name="cifar10",
    files={**dict.fromkeys(TRAIN_FILES, "train"), "test_batch.bin": "test"},
    classes="batches.meta.txt",
    label_bytes=1,
    how=f"download the binary version from {URL} and unpack it there",
)
DESCRIPTION = Description(
    title="CIFAR-10",
    shows="natural images of 32 px: 10 kinds of things",
    authors="Krizhevsky",
    year=2009,
    reference="technical report, University of Toronto (no DOI)",
    licence="none is stated",
    size="162 MB",
    url=URL,
    layout="""\
data_batch_1.bin ... data_batch_5.bin     rows of 1 label byte and 3,072 bytes of red, green, blue
test_batch.bin
batches.meta.txt                          the names of the classes, one per line""",
    needs=(*FORM.files, FORM.classes),
    counts=(Count(60000), Count(10000, split="test"), *(Count(6000, name) for name in CLASSES)),
    tested="drawn miniature",
    patients=None,
    who="does not apply: each image is its own group",
    notes=(
        "the publisher asks to cite the report",
        "the binary version is read, for that of Python consists of pickles, which can run code",
        "the images are written once as PNG files into a folder beside the .bin files",
        "the training part is dealt 87.5/12.5 into train and val",
    ),
)


def index(root: Path, split_seed: int = 0) -> Samples:
    """CIFAR-10: 60,000 natural images of 32 x 32 px, from its binary version.

    Args:
        root: The folder of the .bin files. The images are written into a folder below it.
        split_seed: Seed by which an eighth of the training part becomes val.

    Raises:
        DataError: Where a file is missing or damaged, or the folder cannot be written.
    """
    return read_cifar(root, FORM, split_seed)
