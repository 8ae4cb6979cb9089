"""Splits of public sets that this package ships: no person, publication or copy is in two of them.

Each is an index of names beside the code of the sets; `data_modules.audit.clean_split` makes it.
"""

from dataclasses import replace
from importlib import resources

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import Samples

FOLDER = "clean"
COLUMNS = ("path", "split")


def clean_names() -> list[str]:
    """The data sets that a clean split is shipped for."""
    files = (resources.files("data_modules.sets") / FOLDER).iterdir()
    return sorted(file.name.removesuffix(".csv") for file in files if file.name.endswith(".csv"))


def take_clean(samples: Samples, name: str) -> Samples:
    """The images of a set's clean split; all others are left out, and counted.

    Args:
        samples: The set, in its own split.
        name: The set's.

    Raises:
        DataError: No clean split is shipped for it, or images of it are missing.
    """
    if name not in clean_names():
        known = ", ".join(clean_names())
        raise DataError(
            f"data.split: no clean split of {name} is shipped (there is one of {known}); use "
            "official or kfold"
        )
    file = resources.files("data_modules.sets") / FOLDER / f"{name}.csv"
    with file.open(encoding="utf-8") as stream:
        index = pd.read_csv(stream, dtype=str, keep_default_na=False)
    split_of = dict(zip(index["path"], index["split"], strict=True))
    table = samples.table
    if missing := sorted(set(split_of) - set(table["path"])):
        raise DataError(
            f"{samples.root}: {len(missing)} images of the clean split are missing, for example "
            f"{missing[0]}; matl data check {name} names what is not there"
        )
    kept = table["path"].isin(split_of)
    moved = int((table["path"].map(split_of)[kept] != table["split"][kept]).sum())
    note = (
        f"the split is the clean one of {name}: by person, publication and copies; "
        f"{int((~kept).sum())} images that it does not list are left out, as those with a "
        f"contradicted label, {moved} are in another part than in the published split"
    )
    own = table[kept].assign(split=table["path"].map(split_of)[kept])
    return replace(samples, table=own, published=(), notes=(*samples.notes, note))
