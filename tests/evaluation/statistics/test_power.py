from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from matl.errors import MatlError
from matl.evaluation.statistics.contrasts import Arm, contrast
from matl.evaluation.statistics.power import Design, detectable_difference, power_in_words

# The share of their variance that two arms' scores have in common for AUROCs that correlate by 0.5.
SHARED = 0.52
DESIGN = Design(patients=95, images=2.1, seeds=3, auroc=0.75)


@pytest.mark.parametrize(
    ("change", "larger"),
    [
        ({"patients": 400}, False),
        ({"seeds": 10}, False),
        ({"arms": 4}, True),
        ({"seed_spread": 0.1}, True),
        ({"arms_correlation": 0.95}, False),
        ({"patient_correlation": 1.0}, True),
        ({"positives": 0.1}, True),
    ],
)
def test_what_makes_a_difference_harder_to_find(change: dict[str, float], larger: bool) -> None:
    changed = detectable_difference(Design(**{**vars(DESIGN), **change}))
    assert (changed > detectable_difference(DESIGN)) == larger


def test_images_of_one_patient_that_agree_are_worth_one() -> None:
    many = Design(patients=95, images=10, patient_correlation=1.0)
    assert detectable_difference(many) == pytest.approx(detectable_difference(Design(patients=95)))


def test_more_power_needs_a_larger_difference() -> None:
    assert detectable_difference(DESIGN, 0.9) > detectable_difference(DESIGN, 0.8)


@pytest.mark.slow
def test_the_difference_is_found_as_often_as_promised() -> None:
    """Arms that share nothing but the patients' labels, one image a patient, seeds alike."""
    random = np.random.default_rng(0)
    design = Design(patients=120, seeds=3, auroc=0.75, arms_correlation=0.0, seed_spread=0.0)
    wanted = detectable_difference(design)
    label = np.arange(120) % 2
    found = 0
    for _ in range(400):
        arms = []
        for weight, auroc in ((1.0, 0.75 + wanted / 2), (-1.0, 0.75 - wanted / 2)):
            shift = np.sqrt(2) * norm.ppf(auroc)
            scores = random.normal(0, 1, 120) + shift * label
            arms.append(Arm(weight, np.tile(scores, (3, 1))))
        result = contrast(label, np.arange(120), arms, resamples=200)
        found += result.low > 0
    assert 0.74 < found / 400 < 0.86


@pytest.mark.slow
def test_arms_that_correlate_find_their_difference() -> None:
    """95 patients of 2 or 3 images that correlate, arms that do, seeds that differ."""
    random = np.random.default_rng(0)
    design = Design(patients=95, images=2.1, seeds=5, arms_correlation=0.5)
    wanted = detectable_difference(design)
    patients = np.repeat(np.arange(95), 2 + (np.arange(95) % 9 == 4))
    label = patients % 2
    assert len(patients) / 95 == pytest.approx(design.images, abs=0.02)
    found = 0
    for _ in range(300):
        shared = draw_noise(random, patients)
        arms = []
        for weight in (1.0, -1.0):
            noise = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * draw_noise(random, patients)
            reached = random.normal(design.auroc + weight * wanted / 2, design.seed_spread, (5, 1))
            arms.append(Arm(weight, noise + np.sqrt(2) * norm.ppf(reached) * label))
        found += contrast(label, patients, arms, resamples=200).low > 0
    assert 0.73 < found / 300 < 0.87


def draw_noise(random: np.random.Generator, patients: np.ndarray) -> np.ndarray:
    """Standard normal scores, correlated by 0.5 within a patient."""
    own, common = random.normal(size=len(patients)), random.normal(size=patients.max() + 1)
    return np.sqrt(0.5) * (own + common[patients])


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        (Design(10, positives=0.01), "about 0.1 are of the rarer class"),
        (Design(10, images=float("nan")), "--images nan: is no number"),
        (Design(10, seed_spread=float("inf")), "--seed-spread inf: is no number"),
    ],
)
def test_designs_without_a_meaning_are_refused(design: Design, expected: str) -> None:
    with pytest.raises(MatlError, match=expected):
        power_in_words(design)


def test_no_difference_is_promised_that_no_auroc_can_have() -> None:
    none = "none can be found with this test set: it would have to be"
    few = Design(10, positives=0.2, arms_correlation=0.5)
    gain, of_gains, _ = power_in_words(few).splitlines()
    assert gain == f"a transfer gain: {none} 0.651 AUROC, and at most 0.300 is possible"
    assert of_gains.startswith(f"a difference of two gains: {none} ")
    assert of_gains.endswith("and at most 0.500 is possible")
    spread = Design(10, auroc=0.95, arms_correlation=0.0, seed_spread=0.15)
    gain, of_gains, _ = power_in_words(spread).splitlines()
    assert gain.endswith(" in 80 of 100 experiments, from 0.509 to 0.950")
    assert of_gains.startswith(f"a difference of two gains: {none} 0.624 AUROC")
    assert power_in_words(replace(spread, auroc=0.9)).startswith(f"a transfer gain: {none} ")
