"""How often the intervals of `contrast` hold the truth, which only a simulation knows.

The scores are bi-normal with effects of the patient, of the patient for an arm, of the patient for
an arm's seed, and of the image. A seed moves its arm's separation of the classes. Two images of
different classes are then ranked rightly with a probability that has a closed form.
"""

import numpy as np
import pytest
from scipy.stats import norm

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
