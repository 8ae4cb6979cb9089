"""What is wrong in a data set, ranked: each finding with its count, its rows and what to do."""

from dataclasses import dataclass, field

import pandas as pd

from data_modules.samples import Samples

SERIOUS, WARNING, NOTE = "serious", "warning", "note"
SHORTCUT = "shortcut"
GRADES = (SERIOUS, WARNING, NOTE)
PAIR_COLUMNS = (
    *("path", "split", "source", "patient", "label"),
    *("other_path", "other_split", "other_source", "other_patient", "other_label"),
    *("kind", "likeness"),
)
IMAGE_COLUMNS = ("path", "split", "patient", "label", "value")


@dataclass(frozen=True)
class Finding:
    """One kind of fault.

    Attributes:
        kind: Its name in one word.
        grade: One of `GRADES`: a test is not to be believed ("serious"), a result may have another
            reason than the disease ("warning"), or something is worth a look ("note").
        count: How many there are of `what`.
        what: The unit, such as "pairs of images".
        text: What it means, and what to do about it; it follows the count, whatever that is.
        rows: Its pairs (`PAIR_COLUMNS`) or images (`IMAGE_COLUMNS`); empty where neither is to be
            named.
        other: The data set that `other_path` is of, and whose root it starts from; None where that
            is the audited one, as `path` always is.
        other_name: What that data set is called, "" for the audited one.
    """

    kind: str
    grade: str
    count: int
    what: str
    text: str
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    other: Samples | None = None
    other_name: str = ""

    @property
    def alone(self) -> bool:
        """Whether the text names what it is of, so that no count need stand before it."""
        return self.kind == SHORTCUT

    @property
    def fails(self) -> bool:
        """Whether it is more than a note."""
        return self.grade != NOTE


def ranked(findings: list[Finding]) -> list[Finding]:
    """Those that count something, the gravest first, of one grade the most frequent first."""
    there = [one for one in findings if one.count]
    return sorted(there, key=lambda one: (GRADES.index(one.grade), -one.count))
