"""MedMNIST: arrays that are written once as images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from public_miniatures import write_medmnist

from data_modules.errors import DataError
from data_modules.sets import medmnist


@pytest.mark.parametrize(
    ("subset", "size"), [("pneumoniamnist", 28), ("bloodmnist", 64), ("chestmnist", 28)]
)
def test_arrays_become_images_with_their_labels(tmp_path: Path, subset: str, size: int):
    write_medmnist(tmp_path, subset, size)
    samples = medmnist.index(tmp_path, subset=subset, size=size)
    assert samples.table["split"].value_counts().to_dict() == {"train": 4, "val": 4, "test": 4}
    file = tmp_path / f"{subset}{'' if size == 28 else '_64'}.npz"
    arrays = np.load(file)
    for split in ("train", "val", "test"):
        own = samples.subset(samples.table["split"] == split)
        read = np.stack([np.asarray(Image.open(path)) for path in own.files()])
        np.testing.assert_array_equal(read, arrays[f"{split}_images"])
        labels = arrays[f"{split}_labels"]
        np.testing.assert_array_equal(
            own.targets(), labels if samples.multi_label else labels[:, 0]
        )
    assert not samples.patients_named
    assert samples.table["patient"].is_unique


def test_images_are_written_once_and_anew_for_another_file(tmp_path: Path):
    write_medmnist(tmp_path)
    first = medmnist.index(tmp_path)
    times = [path.stat().st_mtime_ns for path in first.files()]
    again = medmnist.index(tmp_path)
    assert again.root == first.root
    assert [path.stat().st_mtime_ns for path in again.files()] == times
    arrays = dict(np.load(tmp_path / "pneumoniamnist.npz"))
    arrays["train_images"][0, 0, 0] ^= 1
    np.savez_compressed(tmp_path / "pneumoniamnist.npz", **arrays)
    assert medmnist.index(tmp_path).root != first.root


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_images": np.zeros((4, 28, 28), dtype=np.float32)}, "train_images is not uint8"),
        ({"val_labels": np.full((4, 1), 2)}, r"val_labels is not \[N, 1\] of 0 to 1"),
        ({"test_labels": np.zeros(4)}, r"test_labels is not \[N, 1\]"),
        ({"train_labels": np.array([[{}]] * 4)}, "Object arrays cannot be loaded"),
        ({"val_images": None}, "val_images"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, change: dict, message: str):
    write_medmnist(tmp_path)
    arrays = dict(np.load(tmp_path / "pneumoniamnist.npz")) | change
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez_compressed(tmp_path / "pneumoniamnist.npz", **kept)
    with pytest.raises(DataError, match=message) as caught:
        medmnist.index(tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("pneumoniamnist-*"))


def test_what_is_wrong_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="no 'pneumonia'; did you mean 'pneumoniamnist'"):
        medmnist.index(tmp_path, subset="pneumonia")
    with pytest.raises(DataError, match="32 is none of 28, 64, 128, 224"):
        medmnist.index(tmp_path, size=32)
    with pytest.raises(DataError, match=r"no file .*pneumoniamnist_64.npz: download"):
        medmnist.index(tmp_path, size=64)
    (tmp_path / "pneumoniamnist.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"cannot read .*File is not a zip file"):
        medmnist.index(tmp_path)
