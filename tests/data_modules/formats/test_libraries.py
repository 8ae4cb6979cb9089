"""A library that is not installed is named with what installs it."""

import sys
from pathlib import Path

import pytest
from scan_files import write_nifti

from data_modules.errors import DataError
from data_modules.formats.images import try_read
from data_modules.sets import folder


def test_a_missing_library_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nifti(tmp_path / "a.nii.gz")
    monkeypatch.setitem(sys.modules, "nibabel", None)
    message = r"nibabel is not installed, .*: pip install 'matl\[volumes\]'$"
    with pytest.raises(DataError, match=message):
        folder.index(tmp_path)
    with pytest.raises(DataError, match=message):
        try_read(tmp_path / "a.nii.gz#000", (8, 8), 1)
