"""The clustered tests against slow or published forms."""

import numpy as np
import pytest
from scipy import stats

from matl.evaluation.statistics.clustered import (
    accuracy_difference,
    auroc_difference,
    macro_auroc_difference,
)
from matl.evaluation.statistics.contrasts import Arm, contrast

# Two readings of magnetic resonance angiographies, 36 patients with one or two arteries: the worked
# example of Obuchowski 1997 as printed with her software (clusteredROC, Cleveland Clinic), without
# the arteries that lack a reading. For each artery: label, first and second reading.
ANGIOGRAPHIES = """
1 87 87, 1 79 83; 1 88 94, 1 95 93; 1 100 100, 1 68 79; 1 65 61, 1 89 91; 1 97 97, 1 100 100;
1 100 99, 1 89 88; 1 77 77; 1 94 89, 0 45 44; 1 89 92, 0 -11 -17; 1 95 91, 0 30 14;
1 95 95, 0 10 -122; 1 100 100, 0 19 -3; 1 75 75; 0 70 73, 1 70 81; 0 26 27, 1 86 93;
0 0 8, 1 65 70; 0 6 23, 1 100 100; 0 76 79, 1 96 95; 0 44 55, 1 100 100; 0 73 67, 1 97 94;
1 85 86; 0 58 60, 1 100 99; 0 -2 -2, 1 100 100; 0 -3 -14, 0 0 -11; 0 47 -3, 0 -94 -90;
0 -16 17, 0 75 85; 0 5 -22, 0 -1 -14; 0 -6 -52; 0 37 38, 0 47 35; 0 42 40, 0 4 6;
0 55 23, 0 55 45; 0 4 -87, 0 -13 -65; 0 49 24, 0 35 9; 0 53 66; 0 2 -15; 0 -48 -78
"""


def scores(
    seed: int = 0, patients: int = 50, images: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two models over patients who may have images of both classes."""
    random = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(patients), images)
    label = random.integers(0, 2, len(clusters))
    effect = random.normal(0, 0.2, patients)[clusters]
    models = [
        np.clip(0.4 + gain * label + effect + random.normal(0, 0.2, len(label)), 0, 1).round(2)
        for gain in (0.25, 0.15)
    ]
    return label, models[0], models[1], clusters


def angiographies() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Label, both readings and patient of each artery of the worked example."""
    rows = [
        [*map(int, artery.split()), patient]
        for patient, arteries in enumerate(ANGIOGRAPHIES.split(";"))
        for artery in arteries.split(",")
    ]
    label, first, second, clusters = np.array(rows).T
    return label, first, second, clusters


def delong(label: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Difference and variance as DeLong et al. write them, pair by pair."""

    def kernel(x: float, y: float) -> float:
        return 1.0 if x > y else 0.5 if x == y else 0.0

    columns, rows, aurocs = [], [], []
    for model in (first, second):
        positive, negative = model[label == 1], model[label == 0]
        columns.append([np.mean([kernel(x, y) for y in negative]) for x in positive])
        rows.append([np.mean([kernel(x, y) for x in positive]) for y in negative])
        aurocs.append(np.mean(columns[-1]))
    contrast_row = np.array([1, -1])
    covariance = np.cov(columns) / len(columns[0]) + np.cov(rows) / len(rows[0])
    return aurocs[0] - aurocs[1], float(contrast_row @ covariance @ contrast_row)


def test_obuchowskis_worked_example() -> None:
    """To all digits that are printed there."""
    label, first, second, clusters = angiographies()
    assert [len(label), label.sum(), clusters.max() + 1] == [65, 29, 36]
    found = auroc_difference(label, second, first, clusters)
    assert [round(one, 4) for one in (found.value, found.error, found.p)] == [
        0.0014,
        0.0066,
        0.8271,
    ]
    reach = stats.norm.ppf(0.975) * found.error
    assert round(found.value - reach, 4) == -0.0115
    assert round(found.value + reach, 4) == 0.0143


@pytest.mark.parametrize(
    ("reading", "auroc", "error", "sums"),
    [
        (1, 0.9837, 0.0108, (0.0013151307, 0.0022375873, 0.0051785478)),
        (2, 0.9852, 0.0097, (0.0009284122, 0.0022598583, -0.0005015760)),
    ],
)
def test_one_reading_of_the_worked_example(
    reading: int, auroc: float, error: float, sums: tuple[float, float, float]
) -> None:
    """Against a constant, whose AUROC is 0.5 without an error; printed sums S10, S01 and S11."""
    *columns, clusters = angiographies()
    label = columns[0]
    found = auroc_difference(label, columns[reading], np.zeros_like(label), clusters)
    assert round(found.value + 0.5, 4) == auroc
    assert round(found.error, 4) == error
    of_positives, of_negatives, of_both = sums
    variance = of_positives / 29 + of_negatives / 36 + 2 * of_both / (29 * 36)
    assert found.error**2 == pytest.approx(variance, rel=1e-6)


def test_the_worked_example_by_image_has_another_error() -> None:
    label, first, second, _ = angiographies()
    found = auroc_difference(label, second, first, np.arange(len(label)))
    assert round(found.error, 4) != 0.0066


@pytest.mark.parametrize("seed", range(3))
def test_single_images_give_delongs_test(seed: int) -> None:
    label, first, second, _ = scores(seed)
    found = auroc_difference(label, first, second, np.arange(len(label)))
    value, variance = delong(label, first, second)
    assert found.value == pytest.approx(value)
    assert found.error**2 == pytest.approx(variance)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(value) / variance**0.5))


def test_doubled_images_are_worth_no_more_than_single_ones() -> None:
    label, first, second, _ = scores(images=1)
    single = auroc_difference(label, first, second, np.arange(len(label)))
    twice = [np.repeat(each, 2) for each in (label, first, second, np.arange(len(label)))]
    clustered = auroc_difference(*twice)
    assert clustered.error == pytest.approx(single.error)
    blind = auroc_difference(*twice[:3], np.arange(2 * len(label)))
    assert blind.error < 0.75 * single.error


def test_the_error_is_about_that_of_the_bootstrap() -> None:
    label, first, second, clusters = scores(patients=150)
    found = auroc_difference(label, first, second, clusters)
    arms = [Arm(1.0, first[None]), Arm(-1.0, second[None])]
    assert found.error == pytest.approx(contrast(label, clusters, arms).patients_error, rel=0.1)


def test_models_that_no_patient_tells_apart_have_neither_an_interval_nor_p() -> None:
    label, first, _, clusters = scores()
    perfect = label.astype(float)
    for one, other in ((first, first), (perfect, perfect / 2 + 0.5 * (label == 1))):
        auroc = auroc_difference(label, one, other, clusters)
        for found in (auroc, accuracy_difference(label, one, other, clusters)):
            assert found.value == 0
            assert found.bounds is None
            assert found.known_p is None
            assert found.interval() == "[none]"


def test_images_of_one_class_are_refused() -> None:
    label, first, second, clusters = scores()
    with pytest.raises(ValueError, match="both classes"):
        auroc_difference(np.ones_like(label), first, second, clusters)


def test_single_images_give_mcnemars_test() -> None:
    """Agresti, Categorical Data Analysis, 10.1: approval of a prime minister, 150 against 86."""
    gained, lost, neither = 86, 150, 1364
    first = np.repeat([1, 0, 1], [gained, lost, neither]).astype(float)
    second = np.repeat([0, 1, 1], [gained, lost, neither]).astype(float)
    label = np.ones(len(first), dtype=int)
    found = accuracy_difference(label, first, second, np.arange(len(label)))
    z = found.value / found.error
    assert z**2 == pytest.approx(17.36, abs=0.01)
    assert found.value == pytest.approx((gained - lost) / 1600)


def test_clusters_that_agree_weaken_mcnemars_test() -> None:
    label, first, second, _ = scores()
    single = accuracy_difference(label, first, second, np.arange(len(label)))
    twice = [np.repeat(each, 2) for each in (label, first, second, np.arange(len(label)))]
    assert accuracy_difference(*twice).p == pytest.approx(single.p)
    assert accuracy_difference(*twice[:3], np.arange(2 * len(label))).p <= single.p


def test_the_macro_difference_of_two_classes_is_the_difference() -> None:
    label, first, second, clusters = scores()
    both = [np.stack([1 - one, one], axis=1) for one in (first, second)]
    macro, direct = macro_auroc_difference(label, *both, clusters), auroc_difference(*scores())
    assert macro.value == pytest.approx(direct.value)
    assert macro.error == pytest.approx(direct.error)


def test_a_macro_difference_needs_every_class() -> None:
    thirds = np.full((2, 3), 1 / 3)
    with pytest.raises(ValueError, match="every class"):
        macro_auroc_difference(np.array([0, 1]), thirds, thirds, np.arange(2))


def three_classes(random: np.random.Generator, patients: int) -> tuple[np.ndarray, ...]:
    """Two models over patients of one class and one to four images each; the first is better."""
    clusters = np.repeat(np.arange(patients), random.integers(1, 5, patients))
    label = random.choice(3, patients, p=[0.5, 0.3, 0.2])[clusters]
    shared = random.normal(size=(patients, 3))[clusters]
    models = []
    for skill in (1.5, 0.8):
        own = random.normal(size=(len(label), 3)) + random.normal(size=(patients, 3))[clusters] / 2
        shares = np.exp(skill * np.eye(3)[label] + 0.7 * shared + own)
        models.append(shares / shares.sum(1, keepdims=True))
    return label, *models, clusters


@pytest.mark.slow
@pytest.mark.parametrize("patients", [60, 150])
def test_the_interval_of_a_macro_difference_covers_the_truth(patients: int) -> None:
    random = np.random.default_rng(0)
    many = [macro_auroc_difference(*three_classes(random, 600)).value for _ in range(100)]
    drawn = (macro_auroc_difference(*three_classes(random, patients)) for _ in range(1000))
    bounds = [one.bounds for one in drawn]
    held = [low <= np.mean(many) <= high for low, high in filter(None, bounds)]
    assert len(held) > 990
    assert 0.92 <= np.mean(held) <= 0.97
