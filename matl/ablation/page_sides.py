"""The sides of the primary comparison on an ablation's page: curves, confusion, training."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from matl.ablation.ablation_files import damaged
from matl.ablation.ablation_record import Tested
from matl.checksums import read_file
from matl.evaluation.confusion import confusions
from matl.evaluation.joining import MEAN, by_unit
from matl.evaluation.metrics import THRESHOLD, check_scores
from matl.evaluation.scored import Scored
from matl.names import CURVES, PREDICTIONS
from matl.report.diagnosis_tables import source_table
from matl.report.html.picture import Picture
from matl.report.html.run_pictures import score_pictures, training_pictures
from matl.report.metrics_file import recall_metrics
from matl.report.run_files import read_curves, read_predictions
from matl.report.words import CONFUSION_LEGEND, joined_caption, seeds_in_words

TRAINING = "mean over the folds and seeds that every compared arm has finished"
SIDES = (2, 4)
"""One arm or two, each after the regime and from scratch; the floor is one more table."""
ROW = ["seed", "repeat", "source", "image", "split"]


def sides(tested: Tested, folder: Path) -> dict[str, Any] | None:
    """What the page shows of the sides' pooled scores; None before a seed has finished them.

    Args:
        tested: What the primary comparison is tested on.
        folder: Which holds `predictions.csv`, from `matl.ablation.pooled_scores.pooled_scores`.

    Raises:
        MatlError: That file is damaged.
    """
    file = folder / PREDICTIONS
    if not file.exists():
        return None
    try:
        content = read_file(folder, PREDICTIONS)
        pooled = _whole(read_predictions(content))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(file) from error
    scored = scored_sides(tested, pooled)
    recall_metrics(scored, folder, content)
    seeds = next(iter(pooled.values()))["seed"].nunique()
    return _shown(tested, scored, seeds)


def scored_sides(tested: Tested, pooled: Mapping[str, pd.DataFrame]) -> Scored:
    """The pooled scores as those of one model per side; images and patients count once a time.

    Args:
        tested: What they are of.
        pooled: As `matl.ablation.pooled_scores.pooled_scores` returns them.
    """
    return Scored(
        models={name: _apart(table) for name, table in pooled.items()},
        positive=tested.positive,
        negative=tested.negative,
        once={name: _patients(table) for name, table in pooled.items()},
    )


def side_training(folder: Path) -> list[Picture]:
    """The mean training curves of the compared arms, one figure per stage.

    Args:
        folder: Which holds `curves.csv`, from `matl.ablation.pooled_scores.mean_curves`.

    Raises:
        MatlError: That file is damaged.
    """
    try:
        return training_pictures(read_curves(folder), TRAINING)
    except (OSError, ValueError, KeyError) as error:
        raise damaged(folder / CURVES) from error


def _whole(pooled: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Each side with the same images, once a seed and repeat; anything else is a `ValueError`."""
    tables = {
        name: check_scores(_apart(table)).assign(
            image=table["image"], seed=table["seed"].astype(int), repeat=table["repeat"].astype(int)
        )
        for name, table in pooled.items()
    }
    rows = [table[ROW].sort_values(ROW).to_numpy().tolist() for table in tables.values()]
    if len(rows) - 1 not in SIDES or any(one != rows[0] for one in rows):
        raise ValueError("the sides are not of the same images")
    return tables


def _shown(tested: Tested, scored: Scored, seeds: int) -> dict[str, Any]:
    times = seeds * tested.repeats
    where = f"split {tested.split}, {seeds_in_words(seeds)}{' pooled' if seeds > 1 else ''}"
    counted = "" if times == 1 else f", each counted {times} times"
    sources = source_table(scored, "test") if scored.sources("test") else None
    return {
        "about": _about(tested, seeds),
        "curves": score_pictures(scored, where),
        "sources": sources and replace(sources, title=f"Each source alone{counted}"),
        "confusion": {
            "By image": confusions(scored, "test"),
            "By patient": confusions(scored, "test", "patient"),
        },
        "caption": f"{where[0].upper()}{where[1:]}: {tested.images:,} images and "
        f"{tested.patients:,} patients{counted}. Threshold {THRESHOLD}; positive class: "
        f"{tested.positive}. {CONFUSION_LEGEND} {joined_caption(MEAN, 'patient')}",
        "negative": tested.negative,
        "positive": tested.positive,
    }


def _about(tested: Tested, seeds: int) -> str:
    """What the pooled scores are, and what they are not."""
    each = "once a seed" if tested.repeats == 1 else "once a seed and repeat"
    ways = {"folds": tested.folds, "repeats": tested.repeats > 1, "seeds": seeds > 1}
    *others, last = [name for name, several in ways.items() if several] or [""]
    ranked = f"{', '.join(others)} and {last}" if others else last
    differ = f"Images are ranked across {ranked}, so that the values differ from the means above. "
    return (
        f"Of each arm, with and without the stages before the diagnosis: every test image {each}. "
        f"{differ if ranked else ''}The intervals do not cover the choice of the seed: "
        "the verdict rests on the comparisons, not on them."
    )


def _patients(table: pd.DataFrame) -> pd.DataFrame:
    """One row per patient, seed and repeat."""
    parts = [
        by_unit(part, "patient").assign(seed=seed, repeat=repeat)
        for seed, of_seed in table.groupby("seed")
        for repeat, part in of_seed.groupby("repeat")
    ]
    return _apart(pd.concat(parts, ignore_index=True))


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """With images that are named apart by seed and repeat."""
    before = table["seed"].astype(str) + "." + table["repeat"].astype(str)
    return table.assign(image=before + "/" + table["image"])
