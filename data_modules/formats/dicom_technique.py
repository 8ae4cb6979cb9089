"""How a DICOM image was made, by its tags: for a table of series, in which nobody is named."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from data_modules.formats.dicom import open_dataset
from data_modules.formats.dicom_header import Header, Refused, header_of, names_of, tags_unquoted
from data_modules.persons import names_a_person

LONGEST = 40
LEAST_PART = 4
"""Letters of a patient's name that is also looked for within words."""
LEAST_WORD = 2
"""Letters of a patient's name that is looked for as a word; one is an initial, of anybody."""
CODE = 2
"""Letters of a modality that names nobody, such as CT."""


@dataclass(frozen=True)
class Technique:
    """How an image was made; "" where the file does not say it.

    Attributes:
        modality: As in "CT".
        kernel: The convolution kernel of the reconstruction.
        scanner: Manufacturer and model.
        window: Centre and width that the file asks for, as in "-600 / 1500".
    """

    modality: str = ""
    kernel: str = ""
    scanner: str = ""
    window: str = ""


def read_technique(file: str) -> tuple[Technique, Header]:
    """How a DICOM image was made, and the rest of its header.

    Raises:
        Refused: It is no DICOM file of an image.
        DataError: pydicom is not installed.
    """
    dataset = open_dataset(file, pixels=False)
    header = header_of(dataset)
    with tags_unquoted():
        made = [_text(dataset.get(tag)) for tag in ("Manufacturer", "ManufacturerModelName")]
        ends = (
            _tag(dataset, tag, "FrameVOILUTSequence") for tag in ("WindowCenter", "WindowWidth")
        )
        window = [_first(end) for end in ends]
        kernel = _text(_tag(dataset, "ConvolutionKernel", "CTReconstructionSequence"))
        said = {
            "modality": _text(dataset.get("Modality")),
            "kernel": kernel,
            "scanner": " ".join(filter(None, made)),
            "window": " / ".join(window) if all(window) else "",
        }
    unnamed = {key: "" if holds_name(text, header.names) else text for key, text in said.items()}
    if len(said["modality"]) <= CODE:
        unnamed["modality"] = said["modality"]
    return Technique(**unnamed), header


def read_names(file: str) -> tuple[str, ...]:
    """The words of a DICOM file's PatientID and PatientName; none where it cannot be read.

    Raises:
        DataError: pydicom is not installed.
    """
    try:
        dataset = open_dataset(file, pixels=False)
        with tags_unquoted():
            return tuple(filter(names_a_person, names_of(dataset)))
    except Refused:
        return ()


def holds_name(text: str, names: Iterable[str]) -> bool:
    """Whether a text holds a word of a patient's name or identifier.

    Words of four letters and more are looked for anywhere, those of two and three among the words
    of the text, whatever their case.
    """
    text = _composed(text)
    words = set(re.split(r"[\W_]+", text))
    return any(
        name in text if len(name) >= LEAST_PART else name in words and len(name) >= LEAST_WORD
        for name in map(_composed, names)
    )


def _composed(text: str) -> str:
    """In lower case, each accent in its letter, as macOS does not write names of files."""
    return unicodedata.normalize("NFC", text.casefold())


def _tag(dataset: Any, tag: str, group: str) -> Any:
    """A tag of the file, or of the functional groups that its frames share, or of the first's."""
    if tag in dataset:
        return dataset.get(tag)
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for holder in (*shared[:1], *own[:1]):
        for item in holder.get(group) or []:
            if tag in item:
                return item.get(tag)
    return None


def _text(value: Any) -> str:
    """A tag as a short text of one line; several values are joined."""
    several = value is not None and not isinstance(value, str) and hasattr(value, "__iter__")
    text = "/".join(map(str, value)) if several else str(value or "")
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:LONGEST]


def _first(value: Any) -> str:
    """The first number of a tag as text."""
    listed = value if hasattr(value, "__len__") and not isinstance(value, str) else [value]
    try:
        return f"{float(listed[0]):g}"
    except (TypeError, ValueError, IndexError):
        return ""
