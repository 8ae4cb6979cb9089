"""What W&B draws of a sweep's parameter: the table of its distributions.

As in `sweeps.config.schema` and `sweeps.params` of W&B (github.com/wandb/sweeps): the ends of
`log_uniform` are exponents, those of `log_uniform_values` are the values themselves, and without a
`distribution` two whole numbers mean `int_uniform`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from data_modules.errors import did_you_mean

SPREAD = 5.0
"""Standard deviations about the mean that are tried of what has no ends: a draw of 2 million is
outside."""
_INSIDE = 0.53729  # no round number, so that what is to be whole is not by chance
_Ends = tuple[float, float]


class _Kind(NamedTuple):
    """A distribution: the keys that it needs and may have, and the ends of what it draws."""

    needs: tuple[str, ...]
    may: Mapping[str, float]
    ends: Callable[[Mapping[str, float]], _Ends]


def _plain(spec: Mapping[str, float]) -> _Ends:
    return spec["min"], spec["max"]


def _exponents(spec: Mapping[str, float]) -> _Ends:
    return math.exp(spec["min"]), math.exp(spec["max"])


def _negative_exponents(spec: Mapping[str, float]) -> _Ends:
    return math.exp(-spec["max"]), math.exp(-spec["min"])


def _normal(spec: Mapping[str, float]) -> _Ends:
    return spec["mu"] - SPREAD * spec["sigma"], spec["mu"] + SPREAD * spec["sigma"]


def _log_normal(spec: Mapping[str, float]) -> _Ends:
    low, high = _normal(spec)
    return math.exp(low), math.exp(high)


_RANGE, _BELL, _STEP = ("min", "max"), {"mu": 0.0, "sigma": 1.0}, {"q": 1.0}
_SMOOTH = {
    "uniform": _Kind(_RANGE, {}, _plain),
    "log_uniform": _Kind(_RANGE, {}, _exponents),
    "log_uniform_values": _Kind(_RANGE, {}, _plain),
    "inv_log_uniform": _Kind(_RANGE, {}, _negative_exponents),
    "inv_log_uniform_values": _Kind(_RANGE, {}, _plain),
    "normal": _Kind((), _BELL, _normal),
    "log_normal": _Kind((), _BELL, _log_normal),
    "beta": _Kind((), {"a": 1.0, "b": 1.0}, lambda _: (0.0, 1.0)),
}
_WITHOUT_STEPS = ("inv_log_uniform", "inv_log_uniform_values")
_STEPPED = {f"q_{name}": kind for name, kind in _SMOOTH.items() if name not in _WITHOUT_STEPS}
_LISTS = {
    "constant": ("value",),
    "categorical": ("values",),
    "categorical_w_probabilities": ("values", "probabilities"),
}
DISTRIBUTIONS = (*_LISTS, "int_uniform", *_SMOOTH, *_STEPPED)


def distribution_of(spec: Mapping[str, Any]) -> str:
    """The distribution of a parameter, as W&B finds it where none is named."""
    if "distribution" in spec:
        return str(spec["distribution"])
    for name, keys in _LISTS.items():
        if set(spec) == set(keys):
            return name
    whole = all(type(spec.get(end)) is int for end in _RANGE)
    return "int_uniform" if whole else "uniform"


def draws(spec: Mapping[str, Any]) -> list[Any]:
    """What W&B may draw: each value of a list; the ends of a range, and a value between them.

    Args:
        spec: The parameter, as the sweep's file has it.

    Raises:
        ValueError: W&B has no such parameter.
    """
    name = distribution_of(spec)
    if name not in DISTRIBUTIONS:
        raise ValueError(f"distribution: W&B has no {name}; {did_you_mean(name, DISTRIBUTIONS)}")
    if name in _LISTS:
        return _listed(name, spec)
    if name == "int_uniform":
        low, high = _ends(name, _Kind(_RANGE, {}, _plain), spec)
        if not (type(spec["min"]) is type(spec["max"]) is int):
            raise ValueError("int_uniform needs whole numbers as min and max")
        return [int(low), int(high)]
    if name in _SMOOTH:
        low, high = _ends(name, _SMOOTH[name], spec)
        return [low, high, low + (high - low) * _INSIDE]
    kind = _STEPPED[name]
    low, high = _ends(name, kind._replace(may={**kind.may, **_STEP}), spec)
    step = spec.get("q", 1.0)
    return [round(one / step) * step for one in (low, high)]


def in_words(spec: Mapping[str, Any]) -> str:
    """What is drawn of a parameter, as in "0.001 to 0.1"."""
    found = draws(spec)
    if distribution_of(spec) in _LISTS:
        return ", ".join(map(str, found))
    return f"{min(found):.4g} to {max(found):.4g}"


def _listed(name: str, spec: Mapping[str, Any]) -> list[Any]:
    _refuse_keys(name, spec, _LISTS[name], {})
    values = [spec["value"]] if name == "constant" else spec["values"]
    if not isinstance(values, list) or not values:
        raise ValueError("values: must be a list of one or more")
    return values


def _ends(name: str, kind: _Kind, spec: Mapping[str, Any]) -> _Ends:
    _refuse_keys(name, spec, kind.needs, kind.may)
    numbers = {**kind.may, **{key: one for key, one in spec.items() if key != "distribution"}}
    for key, one in numbers.items():
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise ValueError(f"{key}: {one!r} is no number")
    if numbers.get("sigma", 0) < 0 or numbers.get("q", 1) <= 0:
        raise ValueError("sigma must be 0 or more, and q above 0")
    if "min" in numbers and numbers["min"] > numbers["max"]:
        raise ValueError(f"min {numbers['min']} is above max {numbers['max']}")
    if name.endswith("log_uniform_values") and numbers["min"] <= 0:
        raise ValueError(f"min: {numbers['min']} has no logarithm; it must be above 0")
    if name.endswith("log_uniform") and numbers["min"] >= 0 and numbers["max"] <= 1:
        low, high = kind.ends(numbers)
        raise ValueError(
            f"{name} takes min and max as exponents of e, so W&B would draw {low:.4g} to "
            f"{high:.4g}; name the values themselves, by {name}_values"
        )
    try:
        low, high = kind.ends(numbers)
    except OverflowError as error:
        raise ValueError(
            f"{name} takes min and max as exponents, and e to the power of {numbers['max']} is no "
            f"number; name the values themselves, by {name}_values"
        ) from error
    return float(low), float(high)


def _refuse_keys(
    name: str, spec: Mapping[str, Any], needs: tuple[str, ...], may: Mapping[str, float]
) -> None:
    known = ("distribution", *needs, *may)
    if missing := [key for key in needs if key not in spec]:
        raise ValueError(f"give it values, or min and max: {name} lacks {missing[0]}")
    if unknown := [key for key in spec if key not in known]:
        raise ValueError(f"{unknown[0]}: {name} has no such key; {did_you_mean(unknown[0], known)}")
