"""DICOM and NIfTI files of any bytes: an image, or one line."""

import tempfile
from functools import cache
from pathlib import Path

import pytest
from fuzzed import damaged_bytes, fuzz
from hypothesis import given
from hypothesis import strategies as st
from scan_files import write_nifti, write_slice

from data_modules.errors import DataError
from data_modules.formats.images import try_read, try_read_size
from data_modules.sets import folder


@cache
def whole(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / name
        if name.endswith(".dcm"):
            write_slice(file)
        else:
            write_nifti(file)
        return file.read_bytes()


def indexed(root: Path) -> list[str]:
    """What the data set `folder` says of the files."""
    try:
        return list(folder.index(root).notes)
    except DataError as error:
        return [str(error)]


@pytest.mark.parametrize("name", ["a.dcm", "a.nii", "a.nii.gz"])
@fuzz(150)
@given(choice=st.data())
def test_damaged_scans_are_read_or_refused_in_one_line(name: str, choice: st.DataObject) -> None:
    content = choice.draw(damaged_bytes(whole(name)))
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / name
        file.write_bytes(content)
        read = try_read(file if name == "a.dcm" else f"{file}#000", (8, 8), 1)
        if isinstance(read, str):
            assert read
            assert "\n" not in read
            assert "MRN-778899" not in read
        try_read_size(file)
        said = indexed(Path(place))
        assert not [line for line in said if "\n" in line or "Doe" in line]
