"""Scores of several models of three classes and more."""

import numpy as np
import pandas as pd
import pytest
from class_scores import CLASSES, draw_scores, make_scores

from matl.evaluation.class_metrics import class_values
from matl.evaluation.metrics import draw_patients, patient_codes
from matl.evaluation.multi_class import MultiClassScored


def scored(**models):
    return MultiClassScored(models, CLASSES)


def test_macro_differences_are_those_of_the_paired_bootstrap():
    chain, scratch = draw_scores(90, 2, 2.0), draw_scores(90, 2, 1.0, seed=1)
    [found] = scored(chain=chain, scratch=scratch.sample(frac=1, random_state=0)).paired("test")
    patients = patient_codes(chain)
    label = chain["class"].map({name: at for at, name in enumerate(CLASSES)}).to_numpy()
    columns = [f"score_{name}" for name in CLASSES]
    draws = np.concatenate(list(draw_patients(patients, 2000, 0)))
    one, other = (
        class_values(label, table[columns].to_numpy(), patients, draws)
        for table in (chain, scratch)
    )
    for name, difference in (("auroc", found.auroc), ("accuracy", found.accuracy)):
        resampled = one[name] - other[name]
        assert difference.value == pytest.approx(resampled.mean(), abs=0.01)
        assert difference.error == pytest.approx(resampled.std(), rel=0.12)


def test_a_patient_counts_once_with_the_mean_of_its_probabilities():
    table = make_scores([0, 0, 1, 2], [(1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)], [0, 0, 1, 1])
    [alone] = scored(chain=table).tables("test", "patient").values()
    assert alone["patient"].tolist() == ["p0"]  # the other one's images are of two classes
    assert alone[["score_mild", "score_severe"]].to_numpy().tolist() == [[0.5, 0.5]]


def test_a_split_without_a_class_has_no_macro_auroc():
    table = make_scores([0, 1, 0, 1], np.tile(np.eye(3)[:2], (2, 1)))
    [result] = scored(chain=table).results("test")
    assert result.counts == {"mild": 2, "severe": 2, "well": 0}
    assert result.metrics["auroc"].value is None
    assert result.metrics["accuracy"].value == 1
    [difference] = scored(chain=table, floor=table).paired("test")
    assert difference.auroc is None


def test_sources_are_measured_alone():
    table = draw_scores(30, 2, 1.0)
    joined = pd.concat([table, table.assign(source="other")], ignore_index=True)
    [sources] = scored(chain=joined).sources("test").values()
    assert [one.source for one in sources] == ["lungs", "other"]
    assert sources[0].metrics == sources[1].metrics


def test_confusions_count_each_image_once():
    table = make_scores([0, 1, 2, 2], [(1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 1, 0)])
    [counts] = scored(chain=table).confusions("test").values()
    assert counts == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
