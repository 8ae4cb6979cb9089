"""How often the intervals hold the truth, which only a simulation knows.

The scores are bi-normal with effects of the patient, of the patient for an arm, of the patient for
an arm's seed, and of the image. A seed moves its arm's separation of the classes. Two images of
different classes are then ranked rightly with a probability that has a closed form.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from matl.evaluation.metrics import metric_values, summarise
from matl.evaluation.statistics.contrasts import Arm, contrast

TRIALS, PATIENTS, SEEDS, MOST_IMAGES = 1000, 100, 5, 16
PATIENT, PATIENT_ARM, PATIENT_SEED, IMAGE = 1.0, 0.5, 0.5, 0.5
VARIANCE = PATIENT**2 + PATIENT_ARM**2 + PATIENT_SEED**2 + IMAGE**2
# Weight and separation of each arm; AUROCs of 0.85 and 0.74, and of 0.82 and 0.74.
GAIN = ((1.0, 1.9), (-1.0, 1.3))
DIFFERENCE_OF_GAINS = (*GAIN, (-1.0, 1.7), (1.0, 1.3))

Arms = tuple[tuple[float, float], ...]


def trial(
    random: np.random.Generator,
    arms: Arms,
    seed_spread: float,
    seeds: int = SEEDS,
    number: int = PATIENTS,
) -> tuple[np.ndarray, np.ndarray, list[Arm]]:
    """Label, patients and scores; a patient has about two images of one class, some many."""
    images = np.minimum(random.geometric(0.48, number), MOST_IMAGES)
    patients = np.repeat(np.arange(number), images)
    label = patients % 2
    common = PATIENT * random.normal(size=number)
    drawn = []
    for weight, separation in arms:
        moved = separation + seed_spread * random.normal(size=(seeds, 1))
        effect = common + PATIENT_ARM * random.normal(size=number)
        effect = effect + PATIENT_SEED * random.normal(size=(seeds, number))
        noise = IMAGE * random.normal(size=(seeds, len(label)))
        drawn.append(Arm(weight, moved * label + effect[:, patients] + noise))
    return label, patients, drawn


def truth(arms: Arms, seed_spread: float) -> float:
    """The weighted sum of AUROCs over all patients and all seeds."""
    spread = np.sqrt(2 * VARIANCE + seed_spread**2)
    return sum(weight * float(norm.cdf(separation / spread)) for weight, separation in arms)


def test_the_truth_is_what_many_patients_and_seeds_show() -> None:
    many = trial(np.random.default_rng(0), GAIN, seed_spread=0.7, seeds=60, number=1500)
    found = contrast(*many, resamples=2)
    assert found.value == pytest.approx(truth(GAIN, 0.7), abs=3 * found.seeds_error)
    assert found.seeds_error < 0.025


@pytest.mark.slow
@pytest.mark.parametrize("arms", [GAIN, DIFFERENCE_OF_GAINS], ids=["gain", "difference"])
@pytest.mark.parametrize(
    ("seed_spread", "over_patients_error"),
    [(0.0, 0.9), (0.3, 2.0), (0.7, 2 * SEEDS**0.5)],
    ids=["seeds alike", "spread twice the patients' error", "error twice the patients' error"],
)
def test_the_interval_covers_the_truth(
    arms: Arms, seed_spread: float, over_patients_error: float
) -> None:
    """Also where the standard deviation of one seed is that many times the error over patients."""
    random = np.random.default_rng(1)
    found = [contrast(*trial(random, arms, seed_spread), resamples=200) for _ in range(TRIALS)]
    expected = truth(arms, seed_spread)
    assert 0.93 <= np.mean([one.low <= expected <= one.high for one in found]) <= 0.97
    seeds, patients = (
        np.mean([getattr(one, name) ** 2 for one in found])
        for name in ("seeds_error", "patients_error")
    )
    assert np.sqrt(SEEDS * seeds / patients) > over_patients_error


OF_A_RUN = ("auroc", "average_precision", "sensitivity", "specificity", "accuracy")


def run_scores(random: np.random.Generator, separation: float, number: int) -> pd.DataFrame:
    """Scores of one model, an image in two of a patient's own and in two the patient's."""
    label, patients, (arm,) = trial(random, ((1.0, separation),), 0.0, seeds=1, number=number)
    score = 1 / (1 + np.exp(separation / 2 - arm.scores[0]))
    images = [str(image) for image in range(len(label))]
    columns = {"image": images, "patient": patients.astype(str), "label": label, "score": score}
    return pd.DataFrame({**columns, "source": "simulated", "split": "test"})


@pytest.mark.slow
def test_the_intervals_of_a_run_cover_the_truth() -> None:
    """95 patients, as in the official split of COVID-CT."""
    random = np.random.default_rng(2)
    many = run_scores(random, 1.9, 40_000)
    alone, once = np.zeros(len(many), dtype=np.int64), np.ones((1, 1))
    label, score = many["label"].to_numpy(), many["score"].to_numpy()
    truth_of = metric_values(label, score, alone, once)
    found = [summarise(run_scores(random, 1.9, 95), resamples=300) for _ in range(TRIALS)]
    for name in OF_A_RUN:
        held = [one[name].low <= truth_of[name][0] <= one[name].high for one in found]
        assert 0.92 <= np.mean(held) <= 0.975, name
