"""CIFAR-100.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from pathlib import Path

from data_modules.samples import Samples
from data_modules.sets.cifar_files import Form, describe, read_cifar

FORM = Form(
    name="cifar100",
    files={"train.bin": "train", "test.bin": "test"},
    classes="fine_label_names.txt",
    label_bytes=2,
)
DESCRIPTION = describe(
    FORM,
    "CIFAR-100",
    classes=100,
    size="about 160 MB",
    layout="""\
train.bin                 rows of a coarse and a fine label byte and 3,072 bytes of pixels
test.bin
fine_label_names.txt      the names of the classes, one per line""",
    notes=["each class has 600 images", "the 20 coarse labels are not used"],
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
