"""Settings in dataclasses: unknown keys, missing values and wrong types are errors."""

from dataclasses import is_dataclass
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from data_modules.errors import did_you_mean, first_line
from matl.errors import SettingError


def structured(schema: type, raw: DictConfig, keys: list[str]) -> Any:
    """A dataclass filled from settings, with types checked.

    Raises:
        SettingError: A value is missing or of another type.
    """
    try:
        merged = OmegaConf.structured(schema)
        merged.merge_with(raw)
        missing = OmegaConf.missing_keys(merged)
        if missing:
            raise SettingError([*keys, min(missing)], "is missing; give it a value")
        return OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        at = [part for part in (error.full_key or "").split(".") if part]
        raise SettingError([*keys, *at], _in_plain_words(error)) from error


def refuse_unknown_keys(raw: DictConfig, schema: type, keys: list[str]) -> None:
    """Checks that a dataclass has every key.

    Raises:
        SettingError: The first key that it lacks, with the nearest that it has.
    """
    types = get_type_hints(schema)
    plain = OmegaConf.to_container(raw, resolve=False)
    assert isinstance(plain, dict)
    for key, node in plain.items():
        if key not in types:
            hint = did_you_mean(str(key), types)
            raise SettingError([*keys, str(key)], f"is no key here; {hint}")
        if not is_dataclass(types[key]) or _is_interpolation(node):
            continue
        if not isinstance(node, dict):
            raise SettingError([*keys, str(key)], f"{node!r} is no mapping of keys to values")
        refuse_unknown_keys(OmegaConf.create(node), types[key], [*keys, str(key)])


def _in_plain_words(error: OmegaConfBaseException) -> str:
    line = first_line(error)
    if "is not a ListConfig" in line:
        return "must be a list, as in [a, b]"
    return "needs a value" if line.startswith("Incompatible value 'None'") else line


def _is_interpolation(node: Any) -> bool:
    return isinstance(node, str) and node.startswith("${")
