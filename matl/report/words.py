"""Numbers in words, as every table and page says them."""

from collections.abc import Mapping, Sequence

from matl.evaluation.joining import Unit, join_in_words
from matl.evaluation.metrics import CONFIDENCE, RESAMPLES, THRESHOLD
from matl.evaluation.scored import Result, Scored, ScoredModels
from matl.report.rows import is_ensemble

CONFUSION_COLOURS = (
    "Blue: called rightly, orange: wrongly; the deeper, the larger the share of its row."
)
CONFUSION_LEGEND = f"Rates with 95 % intervals over patients. {CONFUSION_COLOURS}"


PLURALS: Mapping[Unit, str] = {"image": "images", "study": "studies", "patient": "patients"}


def joined_caption(join: str, unit: Unit) -> str:
    """What the score and the label of a study or a patient of two classes are."""
    return f"A {unit}'s score is {join_in_words(join)}; it is positive where any image is."


def duration(seconds: float) -> str:
    """Seconds in words: "4.2 s", "12 min 3 s", "3 h 20 min", "120 h"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    if minutes < 6000:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 60:,} h"


def seeds_in_words(seeds: int) -> str:
    """A number of seeds: "1 seed", "3 seeds"."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def p_in_words(p: float | None) -> str:
    """A p value as it is shown; nothing where there is none."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def counted(scored: ScoredModels, result: Result) -> str:
    """Images, patients, and images of each class."""
    classes = ", ".join(f"{images:,} {name}" for name, images in scored.counts(result).items())
    return f"{result.images:,} images of {result.patients:,} patients ({classes})"


def diagnosis_caption(
    scored: Scored, results: Sequence[Result], seeds: int, split_note: str
) -> str:
    """Of two classes: images, patients, seeds, and what an interval is; see `results_caption`."""
    classes = f"Positive class: {scored.positive}; negative: {scored.negative}."
    reading = f"Threshold {THRESHOLD}. Brier: low is good."
    return results_caption(
        scored, results, seeds, split_note, classes, reading, "the images are of one class"
    )


def results_caption(
    scored: ScoredModels,
    results: Sequence[Result],
    seeds: int,
    split_note: str,
    classes: str,
    reading: str,
    undefined_where: str,
) -> str:
    """Images, patients, seeds, and what an interval is.

    Args:
        scored: What the results are of.
        results: Of one split.
        seeds: Of the whole chain.
        split_note: How the splits were made.
        classes: The sentence that names the classes.
        reading: What a reader must know of the metrics.
        undefined_where: When a metric has no value.
    """
    images = f"{counted(scored, results[0])}."
    if len({counted(scored, result) for result in results}) > 1:
        images = "; ".join(f"{result.model}: {counted(scored, result)}" for result in results)
        images += ". The rows are of different images: do not compare them."
    several = any(is_ensemble(result.model) for result in results)
    seeds_each = f"{seeds_in_words(seeds)} of the whole chain"
    estimates = [estimate for result in results for estimate in result.metrics.values()]
    undefined = any(one.value is None for one in estimates)
    bare = any(one.value is not None and one.low is None for one in estimates)
    sentences = [
        classes,
        images,
        f"{seeds_each}; the mean of several where a row says so." if several else f"{seeds_each}.",
        f"value [low, high]: {100 * CONFIDENCE:.0f} % interval over patients (Student's t on the"
        f" logit scale, standard error of {RESAMPLES:,} resamples); it does not cover the choice of"
        " the seed.",
        reading,
    ]
    sentences += [f"undefined: {undefined_where}."] if undefined else []
    if bare:
        sentences += ["[none]: fewer than two patients, or of a class, or all resamples alike."]
    sentences += [f"Split: {split_note}."] if split_note else []
    return " ".join(sentences)
