"""Scores by source."""

import pandas as pd

from matl.evaluation.groups import by_source
from matl.evaluation.metrics import summarise


def make_scores() -> pd.DataFrame:
    """Six images of four patients; two sources share a patient's name."""
    return pd.DataFrame(
        {
            "image": [f"{number}.png" for number in range(6)],
            "patient": ["a", "a", "b", "c", "a", "a"],
            "source": ["north", "north", "north", "north", "south", "south"],
            "split": "test",
            "label": [1, 1, 0, 0, 0, 1],
            "score": [0.9, 0.3, 0.4, 0.1, 0.2, 0.6],
        }
    )


def test_a_source_has_the_metrics_of_its_own_images() -> None:
    scores = make_scores()
    north, south = by_source(scores.sample(frac=1, random_state=0))
    assert (north.source, north.images, north.patients, north.positives) == ("north", 4, 3, 2)
    assert (south.source, south.images, south.patients, south.positives) == ("south", 2, 1, 1)
    assert north.metrics == summarise(scores[:4])


def test_a_source_of_one_class_has_no_auroc_and_one_of_few_patients_no_interval() -> None:
    scores = make_scores()
    north, south = by_source(scores[scores["label"].eq(0) | scores["source"].eq("south")])
    assert north.metrics["auroc"].value is None
    assert north.metrics["brier"].low is not None
    assert south.metrics["auroc"].value == 1
    assert south.metrics["auroc"].low is None
