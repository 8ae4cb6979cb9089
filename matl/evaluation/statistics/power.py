"""Which difference of AUROCs a test set can show, before anything is trained."""

import math
from dataclasses import dataclass, replace

from matl.errors import MatlError
from matl.evaluation.metrics import CONFIDENCE

LEAST_OF_A_CLASS = 2
CHANCE = 0.5
"""The AUROC of a model that knows nothing, below which no training from scratch is assumed."""


@dataclass(frozen=True)
class Design:
    """A planned comparison.

    Attributes:
        patients: how many are tested.
        images: of each of them, on average.
        seeds: of the whole chain, in every arm.
        arms: 2 for a gain (chain against scratch), 4 for a difference of two gains.
        auroc: about what the models reach; a gain ends there.
        positives: share of the images.
        arms_correlation: of two arms' AUROCs over samples of patients. About 0.95 was measured on
            COVID-CT between networks trained alike; chain and scratch share less, so that 0.9 is
            assumed.
        patient_correlation: of the scores of one patient's images, within a class.
        seed_spread: standard deviation of an arm's AUROC over seeds.
    """

    patients: int
    images: float = 1.0
    seeds: int = 5
    arms: int = 2
    auroc: float = 0.8
    positives: float = 0.5
    arms_correlation: float = 0.9
    patient_correlation: float = 0.5
    seed_spread: float = 0.02


def detectable_difference(design: Design, power: float = 0.8) -> float:
    """The least difference that a two-sided test at 5 % finds with a probability of `power`.

    The variance over patients is that of an AUROC by Hanley and McNeil (1982), at the number of
    independent images that the patients' images are worth (Kish's design effect); the variance
    over seeds is that of the arms' means. Degrees of freedom as in `contrasts`.

    Args:
        design: the comparison; its AUROC and correlations are guesses, so the result is one.
        power: in (0, 1).
    """
    effect = 1 + (design.images - 1) * design.patient_correlation
    independent = design.patients * design.images / effect
    single = _auroc_variance(
        design.auroc, independent * design.positives, independent * (1 - design.positives)
    )
    over_patients = design.arms * single * (1 - design.arms_correlation)
    over_seeds = design.arms * design.seed_spread**2 / design.seeds
    return least_found(over_patients, over_seeds, design.patients, design.seeds, power)


def least_found(
    over_patients: float, over_seeds: float, patients: int, seeds: int, power: float = 0.8
) -> float:
    """The least difference that a two-sided test at 5 % finds with a probability of `power`.

    Args:
        over_patients: variance of the difference over so many patients.
        over_seeds: variance of its mean over so many seeds.
        patients: that are tested.
        seeds: of the whole chain.
        power: in (0, 1).
    """
    from scipy import stats

    variance = over_patients + over_seeds
    parts = over_patients**2 / (patients - 1) + over_seeds**2 / max(seeds - 1, 1)
    t = stats.t(df=variance**2 / parts)
    return float((t.ppf((1 + CONFIDENCE) / 2) + t.ppf(power)) * variance**0.5)


def power_in_words(design: Design) -> str:
    """What a design can show of a transfer gain and of a difference of two, and what is assumed.

    Raises:
        MatlError: A number of it is none, or fewer than two patients are of a class.
    """
    _check(design)
    gain, of_gains = (detectable_difference(replace(design, arms=arms)) for arms in (2, 4))
    most = design.auroc - CHANCE
    ends = f", from {design.auroc - gain:.3f} to {design.auroc:.3f}" if gain <= most else ""
    return "\n".join(
        [
            f"a transfer gain: {found_in_words(gain, most)}{ends}",
            f"a difference of two gains: {found_in_words(of_gains, 1 - CHANCE)}",
            f"assumed: {assumptions(design)}",
        ]
    )


def found_in_words(least: float, most: float, metric: str = "AUROC") -> str:
    """Whether a least difference that is found can exist, where none is above `most`."""
    if least > most:
        return (
            f"none can be found with this test set: it would have to be {least:.3f} {metric}, and "
            f"at most {most:.3f} is possible"
        )
    return f"{least:.3f} {metric} is found in 80 of 100 experiments"


def _check(design: Design) -> None:
    for name, value in vars(design).items():
        if not math.isfinite(value):
            raise MatlError(f"--{name.replace('_', '-')} {value}: is no number")
    rarer = design.patients * min(design.positives, 1 - design.positives)
    if rarer < LEAST_OF_A_CLASS:
        raise MatlError(
            f"--positives {design.positives:g}: of {design.patients} patients about {rarer:.1f} "
            f"are of the rarer class; an AUROC with an interval needs {LEAST_OF_A_CLASS} or more"
        )


def assumptions(design: Design) -> str:
    """What `detectable_difference` takes as given, in a line."""
    return (
        f"{100 * design.positives:g} % of the images positive; AUROC {design.auroc:g}, "
        f"{design.seed_spread:g} its standard deviation over seeds; correlation of a patient's "
        f"images {design.patient_correlation:g}, of two arms' AUROCs {design.arms_correlation:g}"
    )


def _auroc_variance(auroc: float, positives: float, negatives: float) -> float:
    of_positives = auroc / (2 - auroc) - auroc**2
    of_negatives = 2 * auroc**2 / (1 + auroc) - auroc**2
    pairs = auroc * (1 - auroc) + (positives - 1) * of_positives + (negatives - 1) * of_negatives
    return pairs / (positives * negatives)
