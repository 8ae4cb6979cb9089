"""Differences over seeds and patients."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from matl.evaluation.metrics import METRICS, metric_values
from matl.evaluation.statistics.contrasts import Arm, Contrast, contrast, holm, verdict

PATIENTS, IMAGES, SEEDS = 60, 2, 5


def trial(
    random: np.random.Generator, seed_spread: float, gain: float = 0.5, seeds: int = SEEDS
) -> tuple[np.ndarray, np.ndarray, list[Arm]]:
    """Scores of chain and scratch: patients' effects are common to both, seeds move each arm."""
    patients = np.repeat(np.arange(PATIENTS), IMAGES)
    label = (np.arange(PATIENTS) % 2)[patients]
    effect = random.normal(0, 1, PATIENTS)[patients]
    arms = []
    for weight, strength in ((1.0, 1.0 + gain), (-1.0, 1.0)):
        own = 0.5 * random.normal(0, 1, PATIENTS)[patients]
        moved = strength + seed_spread * random.normal(0, 1, (seeds, 1))
        noise = 0.7 * random.normal(0, 1, (seeds, len(label)))
        arms.append(Arm(weight, moved * label + effect + own + noise))
    return label, patients, arms


def test_the_value_is_the_mean_of_the_seeds_differences() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    rows = [[roc_auc_score(label, row) for row in arm.scores] for arm in arms]
    expected = np.mean(np.subtract(*rows))
    found = contrast(label, patients, arms, resamples=200)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high
    logits = contrast(label, patients, arms, "logit", resamples=200)
    odds = np.log(np.array(rows) / (1 - np.array(rows)))
    assert logits.value == pytest.approx(np.mean(np.subtract(*odds)))


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_compared(metric: str) -> None:
    """As probabilities the scores are those of `summarise`, seed for seed."""
    label, patients, arms = trial(np.random.default_rng(0), 0.3, seeds=2)
    arms = [Arm(arm.weight, 1 / (1 + np.exp(-arm.scores))) for arm in arms]
    values = [
        [metric_values(label, row, patients, np.ones((1, PATIENTS)))[metric][0] for row in one]
        for one in (arm.scores for arm in arms)
    ]
    found = contrast(label, patients, arms, metric=metric, resamples=50)
    assert found.value == pytest.approx(np.mean(np.subtract(*values)))
    perfect = Arm(1.0, np.stack([label.astype(float)] * 2))
    logit = contrast(label, patients, [perfect, arms[1]], "logit", metric=metric, resamples=50)
    assert np.isfinite([logit.value, logit.low, logit.high]).all()


def test_an_arm_against_itself_differs_by_nothing() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    found = contrast(label, patients, [arms[0], Arm(-1.0, arms[0].scores)], resamples=50)
    assert (found.value, found.low, found.high, found.p) == (0, None, None, None)


def test_what_never_varies_has_no_interval_and_shows_nothing() -> None:
    """A perfect model against a constant one: another sample of patients may differ."""
    label, patients, _ = trial(np.random.default_rng(0), 0.3)
    perfect, constant = np.stack([label.astype(float)] * 3), np.full((3, len(label)), 0.5)
    found = contrast(label, patients, [Arm(1.0, perfect), Arm(-1.0, constant)], resamples=50)
    assert (found.value, found.low, found.p) == (0.5, None, None)
    assert verdict(found, 0.0) == "undecided"
    assert found.text() == "+0.500 [none]"


def test_a_difference_of_gains_has_four_arms() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    other = trial(np.random.default_rng(1), 0.3)[2]
    both = [*arms, *(Arm(-arm.weight, arm.scores) for arm in other)]
    gains = [contrast(label, patients, pair, resamples=50).value for pair in (arms, other)]
    assert contrast(label, patients, both, resamples=50).value == pytest.approx(gains[0] - gains[1])


def test_spread_over_seeds_widens_the_interval() -> None:
    narrow, wide = (
        contrast(*trial(np.random.default_rng(0), spread), resamples=200) for spread in (0.05, 1.0)
    )
    assert wide.seeds_error > 2 * narrow.seeds_error
    assert wide.high - wide.low > 1.25 * (narrow.high - narrow.low)


def test_one_seed_says_nothing_of_seeds() -> None:
    found = contrast(*trial(np.random.default_rng(0), 0.3, seeds=1), resamples=200)
    assert found.seeds_error is None
    assert found.low < found.value < found.high


def test_a_perfect_arm_has_a_finite_logit() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    perfect = Arm(1.0, np.tile(label.astype(float), (SEEDS, 1)))
    found = contrast(label, patients, [perfect, arms[1]], "logit", resamples=100)
    assert np.isfinite([found.value, found.low, found.high]).all()


def test_folds_and_repetitions_are_averaged_and_never_ranked_together() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3, seeds=2)
    folds = np.stack([patients % 3, patients // 2 % 3])
    shifted = [
        Arm(arm.weight, np.stack([arm.scores + 10 * folds[0], arm.scores + 5 * folds[1]], axis=1))
        for arm in arms
    ]
    found = contrast(label, patients, shifted, folds=folds, resamples=50)
    rows = [
        roc_auc_score(label[dealt == fold], chain[dealt == fold])
        - roc_auc_score(label[dealt == fold], scratch[dealt == fold])
        for chain, scratch in zip(arms[0].scores, arms[1].scores, strict=True)
        for dealt in folds
        for fold in range(3)
    ]
    assert found.value == pytest.approx(np.mean(rows))


def test_scores_of_other_images_are_refused() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    with pytest.raises(ValueError, match="same seeds and images"):
        contrast(label[1:], patients[1:], arms)


def test_one_patient_of_a_class_gives_no_interval() -> None:
    """As of the metric itself; the accuracy needs no class."""
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    known = contrast(label, patients, arms, resamples=50)
    for few in (np.zeros_like(patients), np.where(label == 1, patients.max() + 1, patients)):
        found = contrast(label, few, arms, resamples=50)
        assert found.value == pytest.approx(known.value)
        assert (found.low, found.high, found.p) == (None, None, None)
        assert verdict(found, -1) == "undecided"
    assert contrast(label, few, arms, metric="accuracy", resamples=50).low is not None


def test_images_of_one_class_are_refused() -> None:
    label, patients, arms = trial(np.random.default_rng(0), 0.3)
    with pytest.raises(ValueError, match="auroc has no meaning on these images"):
        contrast(np.ones_like(label), patients, arms, resamples=50)


def test_holm_against_a_worked_example() -> None:
    """Holm 1979: the smallest of m is multiplied by m, the next by m - 1, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.03, 0.08, "holds"), (-0.05, 0.01, "does not hold"), (-0.01, 0.06, "undecided")],
)
def test_verdict_against_the_margin(low: float, high: float, expected: str) -> None:
    found = Contrast((low + high) / 2, low, high, 0.1, 0.01, 0.01, 5)
    assert verdict(found, margin=0.02) == expected


@pytest.mark.parametrize("seed", [7, 23, 30])
def test_two_seeds_give_an_interval_of_a_size_that_can_be(seed: int) -> None:
    """Also where the seeds' spread is all interaction with the patients: t of 1 degree at most."""
    random = np.random.default_rng(seed)
    patients = np.repeat(np.arange(12), 2)
    label = patients % 2
    scores = 0.5 * label + random.normal(size=(2, len(label)))
    found = contrast(label, patients, [Arm(1.0, scores)], resamples=200)
    errors = (found.patients_error**2 + found.seeds_error**2) ** 0.5
    assert found.high - found.value <= 12.71 * errors
