import json
import math
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matl.typed_json import typed


@dataclass(frozen=True)
class Inner:
    name: str
    share: float | None = None


@dataclass(frozen=True)
class Outer:
    count: int
    inner: list[Inner]
    table: dict[str, float]
    pair: tuple[float, str] = (0.0, "")
    many: tuple[int, ...] = ()


VALUES = {
    "count": 1,
    "inner": [{"name": "a", "share": 1}],
    "table": {"x": 0.5},
    "pair": [1, "b"],
    "many": [1, 2, 3],
}


def test_a_record_is_read_back() -> None:
    record = typed(Outer, VALUES)
    assert record == Outer(1, [Inner("a", 1.0)], {"x": 0.5}, (1.0, "b"), (1, 2, 3))
    assert typed(Outer, json.loads(json.dumps(asdict(record)))) == record


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "1"}, "count is of another type than int"),
        ({"count": True}, "count is of another type"),
        ({"inner": {}}, "inner is of another type"),
        ({"inner": [{"share": 1.0}]}, r"inner\[0\].name is missing"),
        ({"inner": [{"name": "a", "share": "b"}]}, r"inner\[0\].share is of none"),
        ({"table": {"x": None}}, "table.x is of another type"),
        ({"more": 1}, "more is unknown"),
        ({"pair": [1.0]}, "pair has 1 values, not 2"),
        ({"pair": [1.0, 2]}, r"pair\[1\] is of another type than str"),
        ({"many": ["a"]}, r"many\[0\] is of another type than int"),
        ({"table": {"x": math.nan}}, r"table\.x is no finite number"),
        ({"table": {"x": 10**400}}, r"table\.x is no finite number"),
    ],
)
def test_the_place_of_a_wrong_value_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        typed(Outer, VALUES | change)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


@given(json_values)
def test_anything_else_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"it|is"):
        typed(Outer, value)
