"""The first diagnosis of a run against each other one, on the same images."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matl.evaluation.metrics import patient_codes
from matl.evaluation.statistics.clustered import (
    Difference,
    accuracy_difference,
    auroc_difference,
)

PAIRED_CAPTION = (
    "On the same images, with a patient's as a cluster: AUROCs by Obuchowski's test (1997), "
    "[low, high] is its 95 % interval, [none] where no patient varies; accuracies by McNemar's "
    "test for clusters (Yang, Sun and Hardin 2010). Of one seed of the chain: matl ablate also "
    "asks whether another seed would show it. The p values are not adjusted for their number."
)


@dataclass(frozen=True)
class Paired:
    """A diagnosis minus another one.

    Attributes:
        first: The row's name, as in "chain".
        second: That of the other one, as in "from scratch".
        auroc: None where the images are of one class; of a multi-class diagnosis the macro AUROC,
            None where a class has no image.
        accuracy: At the threshold; of a multi-class diagnosis of the likeliest class.
    """

    first: str
    second: str
    auroc: Difference | None
    accuracy: Difference


Compare = Callable[[pd.DataFrame, pd.DataFrame], tuple[Difference | None, Difference]]


def differences(one: pd.DataFrame, other: pd.DataFrame) -> tuple[Difference | None, Difference]:
    """Of AUROC and accuracy, for checked scores whose rows are of the same images."""
    label, patients = one["label"].to_numpy(), patient_codes(one)
    data = label, one["score"].to_numpy(), other["score"].to_numpy(), patients
    auroc = auroc_difference(*data) if len(np.unique(label)) == 2 else None
    return auroc, accuracy_difference(*data)


def paired(scores: Mapping[str, pd.DataFrame], compare: Compare = differences) -> Iterator[Paired]:
    """The first diagnosis minus each other one that scored the same images with the same labels.

    Args:
        scores: Of one split by the row's name, checked.
        compare: Gives the differences of two tables whose rows are of the same images.
    """
    tables = {name: table.sort_values(["source", "image"]) for name, table in scores.items()}
    for second in list(tables)[1:]:
        first = next(iter(tables))
        one, other = tables[first], tables[second]
        same = [name for name in one if name in ("source", "image", "label", "class")]
        if not np.array_equal(one[same], other[same]):
            continue
        yield Paired(first, second, *compare(one, other))
