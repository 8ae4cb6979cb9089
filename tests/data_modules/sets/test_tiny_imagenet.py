"""Tiny ImageNet as published: the labels of val are in a list."""

from pathlib import Path

import pytest
from drawn_images import splits_of
from public_miniatures import write_tiny_imagenet

from data_modules.errors import DataError
from data_modules.sets import tiny_imagenet


def test_train_by_folder_and_val_by_list(tmp_path: Path):
    write_tiny_imagenet(tmp_path)
    samples = tiny_imagenet.index(tmp_path)
    table = samples.table.set_index("path")
    assert samples.classes == ("n01443537", "n02124075")
    assert table["label"]["train/n02124075/images/n02124075_0.JPEG"] == "n02124075"
    assert table["label"]["val/images/val_1.JPEG"] == "n01443537"
    assert list(splits_of(samples).values()) == ["train"] * 6 + ["val"] * 4
    assert not samples.patients_named


def test_what_is_wrong_is_named(tmp_path: Path):
    write_tiny_imagenet(tmp_path)
    (tmp_path / "val" / "images" / "val_2.JPEG").unlink()
    with pytest.raises(DataError, match=r"1 of 10 images .*val/images/val_2.JPEG"):
        tiny_imagenet.index(tmp_path)
    with (tmp_path / "val" / "val_annotations.txt").open("a") as file:
        file.write("val_9.JPEG\tn09\n")
    with pytest.raises(DataError, match=r"the class n09 is not in wnids.txt"):
        tiny_imagenet.index(tmp_path)
    with (tmp_path / "val" / "val_annotations.txt").open("a") as file:
        file.write("val_10.JPEG\n")
    with pytest.raises(DataError, match=r"val_annotations.txt line 6: names no file and class"):
        tiny_imagenet.index(tmp_path)
