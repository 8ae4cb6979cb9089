"""Copies of what weights learned from are found by their bytes, and names of folders are not."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples, Source
from matl.backbones.card import WeightsCard
from matl.backbones.contents import contents_of
from matl.orchestrator.learned_before import learned_notes

SPLITS = ["train", "train", "val", "test", "test"]
OLD = WeightsCard("a paper", trained_on=("scans",))


def scans(folder: Path, first: int, source: str = "scans", by_folder: bool = True) -> Samples:
    """Five files with numbers in them, as a data set."""
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").write_bytes(bytes([first + number]))
    names = [f"{number}.png" for number in range(5)]
    table = pd.DataFrame({"path": names, "patient": names, "split": SPLITS})
    table = table.assign(label="ill", study="", source=source)
    sources = (Source(source, by_folder=True),) if by_folder else ()
    return Samples(folder, table, classes=("ill",), sources=sources)


@pytest.fixture
def hashes(tmp_path: Path) -> FileHashes:
    return FileHashes(tmp_path / "cache")


@pytest.fixture
def card(tmp_path: Path, hashes: FileHashes) -> WeightsCard:
    """Of weights that learned from files with the numbers 0 to 4 in a folder `scans`."""
    files = hashes.of(scans(tmp_path / "learned", 0).absolute_paths())
    return replace(OLD, contents=(contents_of("scans", files),))


def test_two_folders_of_one_name_are_not_one_data_set(card, hashes, tmp_path: Path) -> None:
    assert learned_notes(card, scans(tmp_path / "other", 100), hashes, "diagnosis") == []


@pytest.mark.parametrize(
    ("first", "files", "end"),
    [
        (0, 5, "2 of its 2 test images were learned"),
        (1, 4, "1 of its 2 test images were learned"),
        (3, 2, "none of its 2 test images, byte for byte"),
    ],
)
def test_a_copy_under_another_name_is_found(
    card, hashes, tmp_path: Path, first: int, files: int, end: str
) -> None:
    copy = scans(tmp_path / "mydata", first, source="mydata")
    [note] = learned_notes(card, copy, hashes, "diagnosis")
    assert note == (
        f"WARNING: the weights were trained on {files} of the files of mydata, which diagnosis "
        f"tests on: {end}"
    )


def test_of_many_files_the_count_is_a_lower_bound(card, hashes, tmp_path: Path) -> None:
    [contents] = card.contents
    drawn = replace(card, contents=(replace(contents, files=9000),))
    for first, end in ((0, "at least 2 of its 2 test images were learned"), (3, "may have been")):
        copy = scans(tmp_path / str(first), first, source="mydata")
        [note] = learned_notes(drawn, copy, hashes, "diagnosis")
        assert end in note


def test_an_earlier_card_and_a_folder_of_its_name_is_no_warning(hashes, tmp_path: Path) -> None:
    [note] = learned_notes(OLD, scans(tmp_path / "other", 100), hashes, "diagnosis")
    assert not note.startswith("WARNING")
    assert note.endswith("whether both are the same is not known")


def test_a_public_name_is_evidence_without_equal_files(card, hashes, tmp_path: Path) -> None:
    named = replace(card, trained_on=("covid_ct",))
    public = scans(tmp_path / "other", 100, source="covid_ct", by_folder=False)
    [note] = learned_notes(named, public, hashes, "diagnosis")
    assert "a data set named covid_ct, which diagnosis tests on: its test images may" in note
