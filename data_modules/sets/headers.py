"""Headers of DICOM files, with stand-ins for whom they are of, remembered from plan to plan."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.arrays import in_threads
from data_modules.errors import DataError
from data_modules.file_hashes import file_key
from data_modules.files import recall, remember
from data_modules.formats.dicom import read_header
from data_modules.formats.dicom_header import Header
from data_modules.formats.dicom_technique import holds_name
from data_modules.persons import Persons, names_a_person

VERSION = 2  # of what is remembered: raise it when a file's header can be read otherwise
NO_IMAGE = "is a DICOM"
"""How `read_header` begins to say that a file holds no image."""


@dataclass(frozen=True)
class UnnamedHeader(Header):
    """A DICOM image whose series, instance and person are stand-ins, and which holds no name.

    Attributes:
        named: Whether its path holds a word of the patient's name or identifier.
    """

    named: bool


KEYS = [one.name for one in fields(UnnamedHeader) if one.name != "names"]


def unnamed_headers(
    root: Path, paths: Sequence[str], persons: Persons, memo: Path | None = None
) -> list[UnnamedHeader | str]:
    """What each DICOM file says, or why it cannot be read; only new files are read.

    Args:
        root: The folder that paths start from.
        paths: The files.
        persons: Who makes stand-ins.
        memo: The folder of what is remembered, which holds nothing that a tag says of a patient;
            None remembers nothing.

    Raises:
        DataError: pydicom is not installed, or identities cannot be hashed.
    """
    keys = [file_key(str(root / path)) for path in paths]
    known = _recalled(memo, persons)
    new = [at for at, key in enumerate(keys) if isinstance(key, OSError) or key.hex() not in known]
    read = in_threads(lambda at: _read(root, paths[at], persons), new)
    found = dict(zip(new, read, strict=True))
    fresh = {
        key.hex(): one if isinstance(one, str) else _values(one)
        for at, one in found.items()
        if not isinstance(key := keys[at], OSError)
    }
    if memo is not None and fresh:
        remember(_file(memo, persons), known | fresh)
    return [
        found[at] if at in found or isinstance(key, OSError) else _header(known[key.hex()])
        for at, key in enumerate(keys)
    ]


def _file(memo: Path, persons: Persons) -> Path:
    """Where headers of one salt are: under another one, the stand-ins are others."""
    return memo / f"dicom_headers_v{VERSION}" / f"{persons.mark() or 'unsalted'}.json"


def _recalled(memo: Path | None, persons: Persons) -> dict[str, Any]:
    found = None if memo is None else recall(_file(memo, persons))
    return found if isinstance(found, dict) else {}


def _read(root: Path, path: str, persons: Persons) -> UnnamedHeader | str:
    try:
        header = read_header(str(root / path))
    except DataError:
        raise
    except ValueError as error:
        return NO_IMAGE if str(error).startswith(NO_IMAGE) else str(error)
    person = header.person if names_a_person(header.person) else ""
    own = {one.name: getattr(header, one.name) for one in fields(Header)}
    own |= {"person": persons.stand_in(person), "names": ()}
    own |= {key: persons.stand_in(own[key]) for key in ("series", "instance")}
    return UnnamedHeader(**own, named=bool(person) and holds_name(path, header.names))


def _values(header: UnnamedHeader) -> list[Any]:
    """A header as JSON holds it, its values in the order of `KEYS`."""
    own = {key: getattr(header, key) for key in KEYS}
    own["positions"] = [
        None if np.isnan(one).any() else one for one in map(np.ndarray.tolist, header.positions)
    ]
    own["directions"] = None if header.directions is None else header.directions.tolist()
    own["rescale"] = header.rescale[:1] if len(set(header.rescale)) == 1 else header.rescale
    return list(own.values())


def _header(values: Any) -> UnnamedHeader | str:
    """What `_values` wrote, or the reason why a file cannot be read."""
    if isinstance(values, str):
        return values
    own = dict(zip(KEYS, values, strict=True))
    nowhere = [np.nan] * 3
    own["positions"] = np.array([one or nowhere for one in own["positions"]], dtype=np.float64)
    if own["directions"] is not None:
        own["directions"] = np.array(own["directions"], dtype=np.float64)
    rescale = [tuple(one) for one in own["rescale"]]
    own["rescale"] = tuple(rescale * (own["frames"] if len(rescale) == 1 else 1))
    own["shape"], own["assumed"] = tuple(own["shape"]), tuple(own["assumed"])
    own["spacing"] = None if own["spacing"] is None else tuple(own["spacing"])
    return UnnamedHeader(**own, names=())
