"""Paths of slices, and of the grey levels that are seen."""

import pytest

from data_modules.formats.places import Levels, Place, file_of, levels_of, place_of, slice_paths

LUNG = Levels(((-1350.0, 150.0),), "HU")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a/b.png", Place("a/b.png")),
        ("a#1.png", Place("a#1.png")),
        ("me@host/a.png", Place("me@host/a.png")),
        ("a.nii.gz#012", Place("a.nii.gz", 12)),
        ("a.nii.gz#012@-1350.0..150.0HU", Place("a.nii.gz", 12, LUNG)),
        ("a b.dcm@0.0..4095.5", Place("a b.dcm", None, Levels(((0.0, 4095.5),)))),
        ("a\nb.png", Place("a\nb.png")),
    ],
)
def test_a_path_is_read_as_it_is_meant(text: str, place: Place) -> None:
    assert place_of(text) == place
    assert file_of(text) == place.file


@pytest.mark.parametrize("levels", [LUNG, Levels(((1e-07, 1e22), (0.1, 3.0), (-2.0, 2.0)))])
def test_levels_are_read_back(levels: Levels) -> None:
    assert levels_of(str(levels)) == levels
    assert place_of(f"x.png@{levels}") == Place("x.png", None, levels)


def test_names_of_slices_sort_as_their_numbers() -> None:
    paths = slice_paths("s.nii", range(0, 1200, 300), 1200)
    assert paths == ["s.nii#0000", "s.nii#0300", "s.nii#0600", "s.nii#0900"]
    assert slice_paths("s.nii", [7], 8) == ["s.nii#007"]
