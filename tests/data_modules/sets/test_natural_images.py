"""Natural images in ImageNet's layout."""

from pathlib import Path

import pytest
from drawn_images import draw

from data_modules.digest import table_digest
from data_modules.errors import DataError
from data_modules.sets import natural_images


def test_natural_images_in_imagenet_layout(tmp_path: Path):
    draw(tmp_path, "train/n02/a%.JPEG", "train/n01/images/b c.JPEG", "val/n01/d.JPEG")
    samples = natural_images.index(tmp_path)
    assert samples.classes == ("n01", "n02")
    assert samples.table.set_index("path")["split"].to_dict() == {
        "train/n01/images/b c.JPEG": "train",
        "train/n02/a%.JPEG": "train",
        "val/n01/d.JPEG": "val",
    }
    assert samples.table["patient"].is_unique
    draw(tmp_path, "val/n03/d.JPEG")
    with pytest.raises(DataError, match=r"n03 is no class of .*train"):
        natural_images.index(tmp_path)


@pytest.mark.real_data
def test_real_natural_images(real_data: Path):
    root = real_data / "natural_images"
    samples = natural_images.index(root)
    assert samples.table["split"].value_counts().to_dict() == {"train": 12000, "val": 2000}
    assert len(samples.classes) == 200
    assert table_digest(samples) == "a6efd85f85f0efc13d1c6f3081c240d2", "trains again"
