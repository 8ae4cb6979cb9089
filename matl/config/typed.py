"""Settings in dataclasses: unknown keys, missing values and wrong types are errors."""

from dataclasses import is_dataclass
from typing import Any, get_origin, get_type_hints

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
        merged.merge_with(_with_defaults(schema, OmegaConf.to_container(raw, resolve=False)))
        missing = OmegaConf.missing_keys(merged)
        if missing:
            raise SettingError([*keys, min(missing)], "is missing; give it a value")
        return OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        at = [part for part in (error.full_key or "").split(".") if part]
        raise SettingError([*keys, *at], _in_plain_words(error)) from error


def _with_defaults(kind: Any, node: Any) -> Any:
    """Settings without the mappings that are null: they have their defaults."""
    if not is_dataclass(kind) or not isinstance(node, dict):
        return node
    kinds = get_type_hints(kind)
    return {
        key: _with_defaults(kinds.get(key), one)
        for key, one in node.items()
        if one is not None or not _is_mapping(kinds.get(key))
    }


def _is_mapping(kind: Any) -> bool:
    return is_dataclass(kind) or get_origin(kind) is dict


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
        if node is None:
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
