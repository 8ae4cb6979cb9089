"""Images that are nearly alike held together, where no patient is named."""

from dataclasses import replace

import pandas as pd

from data_modules.audit.boxes import Boxes
from data_modules.audit.likeness import MOST_PAIRS
from data_modules.audit.near_duplicates import near_duplicates
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples, texts
from data_modules.splits import join_split_patients, split_by_patient

LARGEST_SHARE = 0.5


def hold_alike_together(
    samples: Samples,
    hashes: FileHashes | None,
    redealt: bool,
    unsplit: bool = False,
    boxes: Boxes | None = None,
) -> Samples:
    """Make one patient of images that are the same or nearly the same, also through a third one.

    A split that was dealt is dealt again by these groups. In a split that the data gives, the
    images of a group move to one side: train yields to val and test, val to test. Identical images
    are left in their splits, for `refuse_shared`.

    Args:
        samples: The data set; it is returned as it is where it names patients, or no images are
            alike.
        hashes: What hashes the files, and whose folder keeps what was found; None keeps nothing.
        redealt: Whether the caller deals all images again, so that their split does not matter.
        unsplit: Whether the caller takes all images alike.
        boxes: As of `near_duplicates`.

    Raises:
        DataError: Where hardly any image is alone.
    """
    if not samples.alone or not samples.classes:
        return samples
    pairs = near_duplicates(samples, hashes, boxes)
    if pairs.empty:
        return samples
    redealt = redealt or unsplit
    dealt = samples.split_seed is not None or redealt
    if not dealt:  # left as they are, for whoever refuses or lists them
        pairs = pairs[~_shared(pairs)]
    table = samples.table.assign(patient=_groups(texts(samples.table["path"]), pairs))
    if not unsplit:
        _refuse_one_group(samples, table, pairs)
    sizes = table["patient"].value_counts()
    several = sizes[sizes > 1]
    notes = []
    if len(several):
        groups = "1 group" if len(several) == 1 else f"{len(several)} groups"
        notes.append(
            f"{several.sum()} images are in {groups} of nearly identical ones"
            f"{contradictions(pairs)}: each group counts as one patient (matl data --duplicates "
            "lists the pairs)"
        )
    if samples.split_seed is not None:
        portable = samples.portable_table().assign(patient=table["patient"])
        table["split"] = split_by_patient(portable, samples.split_seed)
    elif redealt:
        table["split"] = "train"
    else:
        given = table["split"]
        table, _ = join_split_patients(table)
        if moved := int((table["split"] != given).sum()):
            notes.append(
                f"WARNING: {moved} images moved to the split of one that is nearly identical "
                "(train yields to val and test, val to test)"
            )
    return replace(samples, table=table, notes=(*samples.notes, *notes))


def refuse_shared(samples: Samples, pairs: pd.DataFrame) -> None:
    """Refuse splits that share an image.

    Args:
        samples: The data set.
        pairs: What `near_duplicates` found in it.

    Raises:
        DataError: The same bytes or pixels are in two splits that are not published ones.
    """
    shared = unpublished(samples, pairs[_shared(pairs)])
    if len(shared):
        one = shared.iloc[0]
        raise DataError(
            f"{samples.root}: {len(shared)} pairs of identical images are in two splits, such as "
            f"{one['path']} ({one['split']}) and {one['other_path']} ({one['other_split']}); leave "
            "one of each out (matl data --duplicates lists them)"
        )


def unpublished(samples: Samples, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that a published split does not excuse.

    Args:
        samples: The data set.
        pairs: Of what `near_duplicates` found in it.
    """
    published = samples.table["path"][samples.table["source"].isin(samples.published)]
    return pairs[~(pairs["path"].isin(published) & pairs["other_path"].isin(published))]


def contradictions(pairs: pd.DataFrame) -> str:
    """What a note adds on pairs whose labels differ; nothing where there are none."""
    labels, others = pairs["label"], pairs["other_label"]
    count = int(((labels != others) & (labels != "") & (others != "")).sum())
    return f" (different labels in {count} of these pairs)" if count else ""


def _shared(pairs: pd.DataFrame) -> pd.Series:
    return (pairs["kind"] == "exact") & (pairs["split"] != pairs["other_split"])


def _groups(paths: list[str], pairs: pd.DataFrame) -> list[str]:
    """The first path of each image's group."""
    first = {path: path for path in paths}

    def find(path: str) -> str:
        while first[path] != path:
            first[path] = first[first[path]]
            path = first[path]
        return path

    for one, other in zip(pairs["path"], pairs["other_path"], strict=True):
        low, high = sorted((find(one), find(other)))
        first[high] = low
    return [find(path) for path in paths]


def _refuse_one_group(samples: Samples, table: pd.DataFrame, pairs: pd.DataFrame) -> None:
    largest = int(table["patient"].value_counts().iloc[0])
    near = int((pairs["kind"] == "near").sum())
    if largest > max(LARGEST_SHARE * len(table), 2) or near == MOST_PAIRS:
        raise DataError(
            f"{samples.root}: {largest} of {len(table)} images are so alike that likeness cannot "
            "tell patients apart; name them by folders below the classes, or in a csv"
        )
