"""Texts without the words of patients' names that DICOM files hold."""

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_modules.arrays import in_threads
from data_modules.formats.dicom_technique import LEAST_PART, holds_name, read_names
from data_modules.formats.images import is_picture
from data_modules.formats.places import file_of
from data_modules.formats.volumes import is_volume

HIDDEN = "(holds a name)"


class Unnamed:
    """Hides the paths below a folder that hold a name of any DICOM file there."""

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        """Read the names.

        Args:
            root: The folder that paths start from.
            paths: Its images.

        Raises:
            DataError: pydicom is not installed.
        """
        files = [path for path in paths if not is_picture(path) and not is_volume(path)]
        read = in_threads(lambda path: read_names(str(root / path)), files)
        self._names = tuple(sorted({name for names in read for name in names}))

    def place(self, path: str) -> str:
        """A path, or `HIDDEN` where it holds a name."""
        return HIDDEN if holds_name(path, self._names) else path

    def texts(self, texts: Sequence[str], paths: Iterable[str]) -> list[str]:
        """Texts without the paths that hold names, nor words of names.

        Args:
            texts: Such as notes.
            paths: What they may quote; the files and folders that hold these count, too.
        """
        every = "\n".join(texts)
        quoted = {one for path in paths for one in _with_parents(path) if one in every}
        hidden = sorted((one for one in quoted if self.place(one) == HIDDEN), key=len)[::-1]
        words = [name for name in self._names if len(name) >= LEAST_PART and not name.isdecimal()]
        either = [rf"(?<!\w){re.escape(one)}(?!\w)" for one in hidden]
        either += [re.escape(word) for word in sorted(words, key=len)[::-1]]
        if not either:
            return list(texts)
        pattern = re.compile("|".join(either), re.IGNORECASE)
        return [pattern.sub(HIDDEN, text) for text in texts]


def _with_parents(path: str) -> Iterable[str]:
    yield path
    path = file_of(path)
    while path:
        yield path
        path = posixpath.dirname(path)
