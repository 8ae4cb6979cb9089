import numpy as np
import pandas as pd
import pytest

from matl.evaluation.metrics import Estimate
from matl.explain.intervals import mean_by_patient


def table(patients):
    return pd.DataFrame({"source": "a", "patient": [str(one) for one in patients]})


def test_the_interval_is_over_patients_and_not_over_images():
    values = pd.Series(np.repeat(np.random.default_rng(0).normal(size=12), 20))
    patients = np.repeat(np.arange(12), 20)
    by_patient = mean_by_patient(values, table(patients))
    by_image = mean_by_patient(values, table(range(len(values))))
    assert by_patient.value == by_image.value == pytest.approx(values.mean())
    assert by_patient.high - by_patient.low > 2 * (by_image.high - by_image.low)


def test_images_without_a_value_are_left_out():
    values = pd.Series([1.0, np.nan, 3.0, np.nan])
    found = mean_by_patient(values, table([0, 1, 2, 3]))
    assert found.value == 2.0
    assert (found.low, found.high) == (1.0, 3.0)


def test_one_patient_has_no_interval_and_none_no_value():
    assert mean_by_patient(pd.Series([1.0, 2.0]), table([0, 0])) == Estimate(1.5)
    assert mean_by_patient(pd.Series([np.nan]), table([0])) == Estimate(None)
