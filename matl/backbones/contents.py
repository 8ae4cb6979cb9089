"""What tells whether images are those that weights learned from: hashes of their files' bytes."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 1024
DIGITS = 16


@dataclass(frozen=True)
class Contents:
    """The files of one data set that weights learned from.

    Hashes are spread evenly, so that those that come first are a fair draw of the files, and the
    same one wherever a file was copied to (a bottom-k sketch: Cohen and Kaplan 2007,
    https://doi.org/10.1145/1281100.1281133).

    Attributes:
        name: The data set's, one of the card's `trained_on`.
        files: How many files there were, copies counted once.
        hashes: The first 16 hexadecimal digits of the hash of each file
            (`data_modules.file_hashes`), sorted; of more than 1,024 files those that come first.
    """

    name: str
    files: int
    hashes: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether every file has its hash here."""
        return self.files == len(self.hashes)


def contents_of(name: str, hashes: Iterable[str]) -> Contents:
    """The contents of a data set by the hashes of its files, in any order."""
    found = sorted({short(one) for one in hashes})
    return Contents(name, len(found), tuple(found[:MOST]))


def short(file_hash: str) -> str:
    """A file's hash as contents hold it."""
    return file_hash[:DIGITS]
