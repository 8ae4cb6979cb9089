"""Numbers in words, as every table and page says them."""

from collections.abc import Sequence

from matl.evaluation.metrics import CONFIDENCE, RESAMPLES, THRESHOLD
from matl.evaluation.scored import ModelResult, Scored

PATIENT_CAPTION = (
    "A patient's score is the mean of its images' scores; it is positive where any image is."
)
CONFUSION_LEGEND = (
    "Rates with 95 % intervals over patients. Blue: called rightly, orange: wrongly; the deeper, "
    "the larger the share of its row."
)


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


def counted(scored: Scored, result: ModelResult) -> str:
    """Images, patients, and images of each class."""
    negatives = result.images - result.positives
    return (
        f"{result.images:,} images of {result.patients:,} patients"
        f" ({result.positives:,} {scored.positive}, {negatives:,} {scored.negative})"
    )


def diagnosis_caption(
    scored: Scored, results: Sequence[ModelResult], seeds: int, split_note: str
) -> str:
    """Images, patients, seeds, and what an interval is.

    Args:
        scored: What the results are of.
        results: Of one split.
        seeds: Of the whole chain.
        split_note: How the splits were made.
    """
    images = f"{counted(scored, results[0])}."
    if len({counted(scored, result) for result in results}) > 1:
        images = "; ".join(f"{result.model}: {counted(scored, result)}" for result in results)
        images += ". The rows are of different images: do not compare them."
    estimates = [estimate for result in results for estimate in result.metrics.values()]
    undefined = any(one.value is None for one in estimates)
    bare = any(one.value is not None and one.low is None for one in estimates)
    sentences = [
        f"Positive class: {scored.positive}; negative: {scored.negative}.",
        images,
        f"{seeds_in_words(seeds)} of the whole chain.",
        f"value [low, high]: {100 * CONFIDENCE:.0f} % percentile interval over {RESAMPLES:,}"
        " resamples of patients; it does not cover the choice of the seed.",
        f"Threshold {THRESHOLD}. Brier: low is good.",
    ]
    sentences += ["undefined: the images are of one class."] if undefined else []
    if bare:
        sentences += ["[none]: fewer than two patients, or of a class, or all resamples alike."]
    sentences += [f"Split: {split_note}."] if split_note else []
    return " ".join(sentences)
