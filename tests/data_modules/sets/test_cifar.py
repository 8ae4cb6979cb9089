"""CIFAR-10 and CIFAR-100 from their binary versions."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from public_miniatures import write_cifar10, write_cifar100

from data_modules.errors import DataError
from data_modules.sets import cifar10, cifar100


def test_cifar10(tmp_path: Path):
    write_cifar10(tmp_path)
    samples = cifar10.index(tmp_path)
    assert samples.table["label"].value_counts().to_dict() == dict.fromkeys(cifar10.CLASSES, 6)
    assert list(samples.classes) == cifar10.CLASSES
    tested = samples.table["path"][samples.table["split"] == "test"]
    assert tested.str.startswith("test_batch/").sum() == len(tested) == 10
    assert samples.table["split"].value_counts().to_dict() == {"train": 40, "val": 10, "test": 10}
    red = samples.table[samples.table["path"] == "data_batch_2/00003.png"].iloc[0]
    assert red["label"] == "cat"
    pixels = np.asarray(Image.open(samples.root / red["path"]))
    assert pixels.shape == (32, 32, 3)
    assert (pixels == [255, 0, 0]).all()


def test_the_bytes_of_a_row_are_three_channels_of_rows_of_pixels(tmp_path: Path):
    write_cifar10(tmp_path)
    root = cifar10.index(tmp_path).root
    row = np.fromfile(tmp_path / "data_batch_1.bin", dtype=np.uint8)[1:3073]
    pixels = np.asarray(Image.open(root / "data_batch_1" / "00000.png"))
    assert pixels[0, 5].tolist() == [row[5], row[1024 + 5], row[2048 + 5]]
    assert pixels[2, 7].tolist() == [row[71], row[1024 + 71], row[2048 + 71]]


def test_cifar100_takes_the_fine_label(tmp_path: Path):
    write_cifar100(tmp_path)
    samples = cifar100.index(tmp_path)
    assert samples.table["label"].value_counts().to_dict() == dict.fromkeys(samples.classes, 3)
    assert len(samples.classes) == 100
    label = samples.table.set_index("path")["label"]
    assert label["train/00107.png"] == label["test/00007.png"] == "thing_07"


def test_what_is_wrong_is_named(tmp_path: Path):
    write_cifar10(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"test_batch.bin: 3 bytes are no rows of 3073"):
        cifar10.index(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(DataError, match=r"a class is none of the 10 of batches.meta.txt"):
        cifar10.index(tmp_path)
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match=r"no file .*data_batch_3.bin: download the binary version"):
        cifar10.index(tmp_path)
