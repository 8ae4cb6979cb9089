"""What a reader must know where all classes but one are taken together as the rest."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

MOST_NAMED = 20


def rest_notes(
    table: pd.DataFrame, rest: str, others: list[str], positive: str, splits: Sequence[str]
) -> list[str]:
    """What the rest is made of, and which class a split lacks.

    Args:
        table: Columns `label`, of the classes before they were joined, and `split`.
        rest: What the classes other than the positive one are called together.
        others: Their names.
        positive: The positive class.
        splits: The names of the splits, in order.
    """
    counts = Counter(zip(table["label"], table["split"], strict=True))
    notes = []
    if len(others) > 1:
        parts = [f"{name} ({_by_split(counts, name, splits)})" for name in others[:MOST_NAMED]]
        more = [f"and {len(others) - MOST_NAMED} more classes"] * (len(others) > MOST_NAMED)
        notes.append(f"'{rest}' is {', '.join([*parts, *more])}")
    for split in splits:
        held = {name for name, place in counts if place == split} - {""}
        for what, names in ((positive, {positive}), (rest, set(others))):
            if held and not held & names:
                notes.append(
                    f"WARNING: no image of the {split} split is of the class '{what}': there is no "
                    "AUROC, and what needs both classes has no value"
                )
    unseen = [name for name in others if not counts[name, "train"]]
    if len(others) > len(unseen) > 0:
        notes.append(
            f"WARNING: no training image is of {', '.join(unseen[:MOST_NAMED])}, which is scored "
            f"as '{rest}'"
        )
    return notes


def _by_split(counts: Mapping[tuple[str, str], int], name: str, splits: Sequence[str]) -> str:
    held = {split: counts.get((name, split), 0) for split in splits}
    return ", ".join(f"{split} {count}" for split, count in held.items() if count) or "no image"
