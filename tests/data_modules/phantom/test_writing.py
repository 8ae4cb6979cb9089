"""A phantom's images are written whole or not at all."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data_modules.errors import DataError
from data_modules.phantom import index_xray
from data_modules.phantom.writing import digest, write_once


@pytest.mark.parametrize("change", [{"patients": 7}, {"slices": 3}, {"size": 33}, {"seed": 1}])
def test_each_option_changes_the_folder(change: dict[str, int]) -> None:
    options = {"patients": 6, "slices": 1, "size": 32, "seed": 0}
    assert digest("ct", options) != digest("ct", {**options, **change})
    assert digest("ct", options) != digest("xray", options)


def test_root_that_is_a_file_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file"):
        index_xray(tmp_path / "file", patients=4, size=32)


def test_interrupted_writing_leaves_no_half_folder_and_the_next_call_completes(
    tmp_path: Path,
) -> None:
    def images(stop_after: int) -> Iterator[tuple[str, np.ndarray]]:
        for number in range(3):
            if number == stop_after:
                raise KeyboardInterrupt
            yield f"images/{number}.png", np.full((4, 4), number, dtype=np.uint8)

    folder = tmp_path / digest("ct", {})
    with pytest.raises(KeyboardInterrupt):
        write_once(tmp_path, "ct", {}, images(2))
    assert not folder.exists()
    assert write_once(tmp_path, "ct", {}, images(3)) == folder
    assert sorted(path.name for path in folder.rglob("*.png")) == ["0.png", "1.png", "2.png"]
    assert not list(tmp_path.glob("*.partial"))


def test_two_processes_at_once_write_one_whole_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        counts = pool.map(write_small_xray, [tmp_path, tmp_path], chunksize=1)
    assert counts == [8, 8]
    assert len(list(tmp_path.glob("*/images/*.png"))) == 8


def write_small_xray(root: Path) -> int:
    samples = index_xray(root, patients=8, size=32)
    return sum(file.is_file() for file in samples.files())
