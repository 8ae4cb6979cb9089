"""The page of an audit: the findings, ranked, with their images side by side."""

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from PIL import Image

from data_modules.audit.findings import SERIOUS, Finding
from data_modules.audit.overview import counts
from data_modules.audit.set_audit import Audit
from data_modules.formats.images import read_image
from data_modules.samples import Samples, texts
from matl.report.audit_tables import findings_table, shortcuts_table
from matl.report.html.render import render
from matl.report.table import Row, Table, TableCell, make_table

MOST_SHOWN = 12
SIDE = 240


@dataclass(frozen=True)
class Shown:
    """An image on the page.

    Attributes:
        source: Its address, which holds the picture itself; "" where it cannot be read.
        name: Of its file.
        caption: Its data set, where that is not the audited one, its split, its label, and what is
            said of it.
    """

    source: Markup
    name: str
    caption: str


def audit_page(audits: Mapping[str, Audit], command: str) -> bytes:
    """A page that opens offline: what was found, gravest first, and where.

    Args:
        audits: By the name of the stage or the data set.
        command: What was typed.
    """
    sections = [
        {
            "name": name,
            "counts": _counts(name, audit.samples),
            "findings": [(one, list(_shown(audit.samples, one))) for one in audit.findings],
            "copies": f"{len(audit.pairs):,} pairs of copies in {audit.groups:,} groups",
            "shortcuts": shortcuts_table(name, audit.shortcuts) if audit.shortcuts else None,
        }
        for name, audit in audits.items()
    ]
    return render(
        "data_audit.html",
        title=f"Audit of {', '.join(audits)}",
        sentence=closing_line(audits),
        overview=findings_table(audits),
        sections=sections,
        most=MOST_SHOWN,
        command=command,
    )


def closing_line(audits: Mapping[str, Audit]) -> str:
    """What was found, in a sentence."""
    found = [one for audit in audits.values() for one in audit.findings]
    serious = sum(one.grade == SERIOUS for one in found)
    others = sum(one.fails for one in found) - serious
    images = sum(len(audit.samples) for audit in audits.values())
    if not serious and not others:
        return f"Nothing was found in {images:,} images that makes a result doubtful."
    return (
        f"{serious} serious {'finding' if serious == 1 else 'findings'} and {others} "
        f"{'warning' if others == 1 else 'warnings'} in {images:,} images."
    )


def _counts(name: str, samples: Samples) -> Table:
    frame = counts(samples)
    rows: list[Row] = [
        (str(split), *(TableCell(f"{value:,}", float(value)) for value in row))
        for split, row in zip(frame.index, frame.to_numpy().tolist(), strict=True)
    ]
    return make_table(f"{name}: images", "", ("Split", *map(str, frame.columns)), rows)


def _shown(samples: Samples, finding: Finding) -> Iterator[list[Shown]]:
    """The first pairs or images of a finding."""
    reads = {
        "": _reads(samples),
        "other_": _reads(samples if finding.other is None else finding.other),
    }
    for _, row in finding.rows.head(MOST_SHOWN).iterrows():
        sides = [""] if "other_path" not in row else ["", "other_"]
        yield [_one(reads[side], row, side, finding.other_name if side else "") for side in sides]


def _reads(samples: Samples) -> dict[str, str]:
    """What reads each image, by its path in the table."""
    return dict(zip(texts(samples.table["path"]), samples.images(), strict=True))


def _one(reads: Mapping[str, str], row: pd.Series, side: str, of: str) -> Shown:
    path = row[f"{side}path"]
    said = [of, row[f"{side}split"], row[f"{side}label"], "" if side else row.get("value", "")]
    if not side and "likeness" in row:
        said.append(f"{row['kind']}, likeness {row['likeness']:.2f}")
    return Shown(
        Markup(_address(reads.get(path, ""))),
        path.rsplit("/", 1)[-1],
        " · ".join(str(word) for word in said if word),
    )


def _address(file: str) -> str:
    try:
        pixels, _ = read_image(file, None, 3)
    except Exception:  # what cannot be read is one of the findings
        return ""
    picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    picture.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
