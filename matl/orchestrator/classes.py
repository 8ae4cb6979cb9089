"""What a diagnosis tells apart: a positive class from the rest, or every class (multi-class)."""

from collections.abc import Mapping, Sequence

import pandas as pd

from data_modules.samples import Samples
from matl.evaluation.joining import MEAN, STUDY
from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.scored import Scored
from matl.manifest import StageManifest
from matl.stages.task import Task


def classes_apart(known: Samples | StageManifest) -> tuple[str, ...]:
    """The classes of a multi-class diagnosis; empty where it tells two apart.

    Args:
        known: The images that its task selected, or its manifest.
    """
    return tuple(known.classes) if known.positive is None and len(known.classes) > 2 else ()


def tells_classes_apart(task: type[Task], samples: Samples) -> bool:
    """Whether a stage is a multi-class diagnosis."""
    return task.diagnoses and bool(classes_apart(samples))


def scored_of(
    models: Mapping[str, pd.DataFrame],
    samples: Samples,
    ordered: Sequence[str],
    leaking: frozenset[tuple[str, str]] = frozenset(),
    join: str = MEAN,
) -> Scored | MultiClassScored:
    """The scores of diagnoses with their classes, and with the images' studies.

    Args:
        models: Scores by the row's name.
        samples: The images that the diagnoses' task selected.
        ordered: The classes in their order, where they have one.
        leaking: As of `matl.evaluation.scored.ScoredModels`.
        join: As there.
    """
    models = _with_studies(models, samples)
    if classes := classes_apart(samples):
        own = tuple(ordered) or classes
        return MultiClassScored(models, own, bool(ordered), leaking=leaking, join=join)
    negative, positive = samples.classes
    return Scored(models, positive, negative, leaking=leaking, join=join)


def _with_studies(
    models: Mapping[str, pd.DataFrame], samples: Samples
) -> Mapping[str, pd.DataFrame]:
    """The scores with the study of each image, which no stage stores; as they are without any."""
    if (samples.table[STUDY] == "").all():
        return models
    studies = samples.table.set_index(["source", "path"])[STUDY]
    return {
        name: table.assign(
            **{STUDY: studies.reindex(_images(table), fill_value="").to_numpy(dtype=object)}
        )
        for name, table in models.items()
    }


def _images(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[["source", "image"]])


def class_note(stage: str, samples: Samples) -> str:
    """What a multi-class diagnosis tells apart, in a line.

    Args:
        stage: Its name.
        samples: The images that its task selected.
    """
    counts = samples.table["label"].value_counts()
    each = ", ".join(f"{name} {int(counts.get(name, 0)):,}" for name in samples.classes)
    return f"{stage} is multi-class: it tells {len(samples.classes)} classes apart; images: {each}"
