"""Gates and contributions of the operators, read from training curves."""

import pandas as pd

FAMILIES = ("gate", "contribution")


def gate_columns(curves: pd.DataFrame) -> list[str]:
    """The logged columns of gates and contributions, as in "gate/16": gates first."""
    strides = [name.partition("/")[2] for name in curves.columns if name.startswith("gate/")]
    return [f"{family}/{stride}" for family in FAMILIES for stride in strides]


def last_value(curves: pd.DataFrame, column: str) -> float | None:
    """The last value that a stage logged of a column, None where there is none."""
    known = curves[column].dropna() if column in curves else pd.Series(dtype=float)
    return None if known.empty else float(known.iloc[-1])
