"""The public data sets: what is known of each, and whether a copy of one is complete."""

import importlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from data_modules.catalogue import DATASETS, find_index, parameters_of
from data_modules.config import DataConfig
from data_modules.errors import DataError, did_you_mean
from data_modules.registry import check_config
from data_modules.samples import SEPARATOR, Samples, split_label
from data_modules.sets.description import NO_CLASS, Description
from data_modules.sets.listing import find_images, missing_files, require_folder

DESCRIPTION = "DESCRIPTION"


@dataclass(frozen=True)
class Compared:
    """A number of images or persons, as it was published and as it is here.

    Attributes:
        what: The class, "" for any; or "patients".
        split: As the set's `index` names it; "" for all.
        published: Or None where no number was published.
        found: Here; or None where it cannot be counted.
    """

    what: str
    split: str
    published: int | None
    found: int | None


@dataclass(frozen=True)
class Checked:
    """What a copy of a public data set holds and lacks.

    Attributes:
        counts: Each published number beside the one here.
        missing: Files and folders that are listed or needed and not there, relative to the root.
        additional: Images that are there and not part of the set, relative to their root.
        fault: Why the set cannot be read, a line; "" where it can.
        notes: What its `index` says of it.
    """

    counts: tuple[Compared, ...]
    missing: tuple[str, ...]
    additional: tuple[str, ...]
    fault: str
    notes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all is there, as it was published; additional images do not matter."""
        agree = all(one.published in (None, one.found) for one in self.counts)
        return agree and not self.missing and not self.fault


def public_sets() -> dict[str, Description]:
    """The descriptions of the public data sets, by name."""
    modules = {name: _module(name) for name in DATASETS}
    return {
        name: module.DESCRIPTION for name, module in modules.items() if hasattr(module, DESCRIPTION)
    }


def describe_data_set(name: str) -> Description:
    """The description of a public data set.

    Raises:
        DataError: It is no public one, in a line that says what it is.
    """
    if ":" in name:
        find_index(name)
        raise DataError(f"{name}: a function of your own, which has no description here")
    described = public_sets()
    if name not in DATASETS:
        raise DataError(f"no public data set '{name}'; {did_you_mean(name, described)}")
    if name not in described:
        kind = "simulated" if name.startswith("phantom") else "for images of your own"
        raise DataError(f"{name}: no public data set ({kind}), so that it has no description")
    return described[name]


def check_data_set(name: str, root: Path, options: Mapping[str, Any] | None = None) -> Checked:
    """Compare a copy of a public data set with what was published.

    Args:
        name: The set's.
        root: Its folder.
        options: Of its `index`.

    Raises:
        DataError: No such set, folder or option.
    """
    description, given = describe_data_set(name), dict(options or {})
    check_config(DataConfig(name=name, options=given))
    root = Path(os.path.expanduser(root))
    require_folder(root, f"see matl data describe {name}")
    variant = _variant(name, description, given)
    needs = [pattern.format(variant=variant) for pattern in description.needs]
    missing = [pattern for pattern in needs if not any(root.glob(pattern))]
    samples, table, fault = _read(name, root, given)
    if table is not None:
        absent = set(missing_files(root, table["path"].tolist())) if samples is None else set()
        missing += [path for path in table["path"] if path in absent]
        table = table[~table["path"].isin(absent)]
    return Checked(
        counts=_compare(description, variant, table, samples),
        missing=tuple(missing),
        additional=_additional(root, description, table, samples),
        fault="" if missing else fault,
        notes=() if samples is None else samples.notes,
    )


def _module(name: str) -> ModuleType:
    return importlib.import_module(DATASETS[name].partition(":")[0])


def _variant(name: str, description: Description, options: Mapping[str, Any]) -> str:
    """The value of the option that chooses the variant, given or by default."""
    if not description.variant:
        return ""
    default = parameters_of(find_index(name))[description.variant].default
    return str(options.get(description.variant, default))


def _read(
    name: str, root: Path, options: Mapping[str, Any]
) -> tuple[Samples | None, pd.DataFrame | None, str]:
    """The set where it can be read, the table of what it lists, and why it cannot be read."""
    samples, table, fault = None, None, ""
    try:
        samples = find_index(name)(root, **options)
        table = samples.table
    except DataError as error:
        fault = str(error)
    listed = getattr(_module(name), "listed", None)
    if listed is not None:
        try:
            table = listed(root, **{k: v for k, v in options.items() if k in parameters_of(listed)})
        except DataError as error:
            fault = str(error)
    return samples, table, fault


def _compare(
    description: Description, variant: str, table: pd.DataFrame | None, samples: Samples | None
) -> tuple[Compared, ...]:
    found: Counter[tuple[str, str]] = Counter() if table is None else _count(table)
    counts = [
        Compared(
            one.label, one.split, one.images, None if table is None else found[one.label, one.split]
        )
        for one in description.counted(variant)
    ]
    if not counts and table is not None:
        counts = [
            Compared("", split, None, found["", split]) for split in sorted(set(table["split"]))
        ]
    if description.patients is not None:
        persons = None if samples is None else int(samples.table["patient"].nunique())
        counts.append(Compared("patients", "", description.patients, persons))
    return tuple(counts)


def _count(table: pd.DataFrame) -> Counter[tuple[str, str]]:
    """Images by (class, split), with "" for any."""
    found: Counter[tuple[str, str]] = Counter()
    pairs = Counter(zip(table["label"], table["split"], strict=True))
    for (label, split), number in pairs.items():
        classes = split_label(label) if SEPARATOR in label else {label} - {""}
        for name in {"", *(classes or ({NO_CLASS} if label else set()))}:
            found[name, split] += number
            found[name, ""] += number
    return found


def _additional(
    root: Path, description: Description, table: pd.DataFrame | None, samples: Samples | None
) -> tuple[str, ...]:
    """Images that are not part of the set."""
    if table is None:
        return ()
    start = root if samples is None else samples.root
    known = set(table["path"])
    unread = tuple(f"{folder}/" for folder in description.unread)
    return tuple(
        path
        for path in find_images(start).images
        if path not in known and not path.startswith(unread)
    )
