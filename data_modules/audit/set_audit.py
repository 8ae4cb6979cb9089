"""The audit of a data set: all its findings, ranked."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_modules.audit.boxes import Boxes
from data_modules.audit.copies import Found, find_copies, group_copies
from data_modules.audit.copy_findings import (
    copy_findings,
    pair_table,
    person_finding,
    publication_finding,
)
from data_modules.audit.findings import NOTE, SHORTCUT, WARNING, Finding, ranked
from data_modules.audit.image_findings import image_findings
from data_modules.audit.looks import Look, look_at
from data_modules.audit.measures import GROUPS, MEASURES, TEXTS
from data_modules.audit.shortcuts import (
    ALL,
    MOST_CLASSES,
    OF_SCANS,
    Shortcut,
    find_shortcuts,
)
from data_modules.audit.thumbnails import thumbnails
from data_modules.file_hashes import FileHashes
from data_modules.files import recall, remember
from data_modules.samples import Samples, split_label, texts

VERSION = 1  # of what is remembered: copies, measures and shortcuts
CLEAR = 0.6
"""The least AUROC of a shortcut that is a finding; its interval must lie above 0.5."""


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        samples: The data set.
        findings: Ranked.
        pairs: All copies, as `pair_table` gives them.
        groups: How many groups of images that are copies of one another there are.
        shortcuts: What each group of measures says, the highest AUROC first.
    """

    samples: Samples
    findings: tuple[Finding, ...]
    pairs: pd.DataFrame
    groups: int
    shortcuts: tuple[Shortcut, ...]


def audit_samples(samples: Samples, hashes: FileHashes, boxes: Boxes | None = None) -> Audit:
    """Look for what makes a result on a data set doubtful.

    The images are decoded once; what was found is kept in the folder of `hashes` by the contents
    of the files.

    Args:
        samples: The data set, split as it is used.
        hashes: What hashes the files.
        boxes: What finds the box of an image's content; see `near_duplicates`.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    copies, measures = _looked_at(samples, hashes, boxes)
    boxed = None
    if boxes is not None:
        files = samples.images()
        boxed, _ = thumbnails(files, hashes.of(files), hashes.folder, boxes)
    pairs = pair_table(samples, copies)
    shortcuts = tuple(_shortcuts(samples, measures))
    findings = [
        person_finding(samples),
        *copy_findings(samples, pairs),
        publication_finding(samples),
        *shortcut_findings(shortcuts),
        *image_findings(samples, measures, boxed),
    ]
    groups = len(group_copies(len(samples), copies))
    return Audit(samples, tuple(ranked(findings)), pairs, groups, shortcuts)


def shortcut_findings(shortcuts: Sequence[Shortcut]) -> list[Finding]:
    """A finding for each target that can be read: by the clearest group, and by all together."""
    of_target: dict[str, list[Shortcut]] = {}
    for one in shortcuts:
        if one.auroc >= CLEAR and one.low > 0.5:
            of_target.setdefault(one.target, []).append(one)
    return [_shortcut_finding(target, clear) for target, clear in of_target.items()]


def _shortcut_finding(target: str, clear: Sequence[Shortcut]) -> Finding:
    """Of a target's shortcuts that are clear, the highest AUROC first."""
    whole = [one for one in clear if one.group == ALL]
    single = [one for one in clear if one.group != ALL][:1]
    said = [
        f"from {one.group}{' alone' if one in single else ''}: "
        f"AUROC {one.auroc:.2f} [{one.low:.2f}, {one.high:.2f}]"
        for one in (*single, *whole)
    ]
    return Finding(
        SHORTCUT,
        WARNING if max(one.low for one in clear) > CLEAR else NOTE,
        1,
        f"{target} from {clear[0].group}, AUROC {clear[0].auroc:.2f}",
        f"{target} can be read {' and '.join(said)}, cross-validated by person. A model may learn "
        "this and not the disease: even it out, or test elsewhere",
    )


def _looked_at(
    samples: Samples, hashes: FileHashes, boxes: Boxes | None
) -> tuple[list[Found], pd.DataFrame]:
    """The copies and the measures of the images, remembered by the contents of the files."""
    files = samples.images()
    known = "\n".join([*hashes.of(files), boxes.name if boxes else ""])
    digest = hashlib.blake2b(known.encode(), digest_size=16).hexdigest()
    memo = hashes.folder / f"audit_v{VERSION}" / f"{digest}.json"
    found = recall(memo)
    if found is None:
        looks = look_at(files)
        found = [find_copies(samples, looks, hashes, boxes), [_measures(look) for look in looks]]
        remember(memo, found)
    copies, rows = found
    measures = pd.DataFrame(rows, columns=list(MEASURES))
    numbers = measures.columns.difference(list(TEXTS))
    measures[numbers] = measures[numbers].astype(float)
    return [tuple(one) for one in copies], measures


def _measures(look: Look | None) -> list[float | str | None]:
    return [None] * len(MEASURES) if look is None else list(look.measures)


def _shortcuts(samples: Samples, measures: pd.DataFrame) -> list[Shortcut]:
    readable = measures["mean"].notna().to_numpy()
    names = [name for name in OF_SCANS if name in samples.table]
    table = pd.concat([measures, samples.table[names]], axis=1)[readable].reset_index(drop=True)
    groups: Mapping[str, Sequence[str]] = {**GROUPS, **({"scan": names} if names else {})}
    targets = {name: truth[readable] for name, truth in _targets(samples)}
    return find_shortcuts(table, groups, targets, samples.groups()[readable])


def _targets(samples: Samples) -> Iterator[tuple[str, np.ndarray]]:
    """Each class, and each source of several: 1.0 where an image is of it, NaN where unlabelled."""
    labels, sources = texts(samples.table["label"]), texts(samples.table["source"])
    classes = samples.classes[1:] if len(samples.classes) == 2 else samples.classes
    if len(classes) <= MOST_CLASSES:
        for name in classes:
            yield (
                name,
                np.array([float(name in split_label(one)) if one else np.nan for one in labels]),
            )
    names = sorted(set(sources))
    if 1 < len(names) <= MOST_CLASSES:
        for name in names:
            yield f"the source {name}", np.array([float(one == name) for one in sources])
