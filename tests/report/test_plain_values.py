import numpy as np

from matl.report.plain_values import plain_value


def test_values_become_what_json_can_hold():
    value = {"a": np.float32(0.5), "b": (1, np.int64(2)), "c": float("nan"), "d": None, "e": True}
    assert plain_value(value) == {"a": 0.5, "b": [1, 2], "c": None, "d": None, "e": True}


def test_no_path_is_left_in_a_key_or_a_value():
    assert plain_value({"/home/jane/a": "see /data/scans"}) == {"…/a": "see …/scans"}
