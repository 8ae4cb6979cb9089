import numpy as np
import pandas as pd

from matl.report.gates import gate_columns, last_value

CURVES = pd.DataFrame(
    {"epoch": [1, 2], "contribution/32": [0.1, 0.2], "gate/32": [0.1, np.nan], "gate/16": 1.0}
)


def test_gates_come_before_contributions_in_the_order_of_the_strides():
    assert gate_columns(CURVES) == ["gate/32", "gate/16", "contribution/32", "contribution/16"]
    assert gate_columns(pd.DataFrame({"loss": [1.0]})) == []


def test_the_last_value_is_the_last_that_was_logged():
    assert last_value(CURVES, "gate/32") == 0.1
    assert last_value(CURVES, "contribution/32") == 0.2
    assert last_value(CURVES, "contribution/16") is None
