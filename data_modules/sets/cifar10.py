"""CIFAR-10.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from pathlib import Path

from data_modules.samples import Samples
from data_modules.sets.cifar_files import Form, describe, read_cifar
from data_modules.sets.description import Count

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
FORM = Form(
    name="cifar10",
    files={**dict.fromkeys(TRAIN_FILES, "train"), "test_batch.bin": "test"},
    classes="batches.meta.txt",
    label_bytes=1,
)
DESCRIPTION = describe(
    FORM,
    "CIFAR-10",
    classes=10,
    size="162 MB",
    layout="""\
data_batch_1.bin ... data_batch_5.bin     rows of 1 label byte and 3,072 bytes of red, green, blue
test_batch.bin
batches.meta.txt                          the names of the classes, one per line""",
    counts=[Count(6000, name) for name in CLASSES],
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
