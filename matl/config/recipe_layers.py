"""Recipes among the layers of an experiment: what one sets stands where it was named."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from omegaconf import OmegaConf

from matl.config.layers import Layer
from matl.stages.recipes import RECIPE, RECIPES


def with_recipes(layers: Sequence[Layer]) -> list[Layer]:
    """Write out the recipe of each stage, the last one that is named.

    It holds over what earlier files say, and under what the same file or any override says, in
    whatever order overrides are typed. An unknown recipe is left for the check of the stage.
    """
    chosen: dict[str, int] = {}
    for at, layer in enumerate(layers):
        chosen |= dict.fromkeys(_named(layer), at)
    written = list(layers)
    for stage, at in chosen.items():
        name = _named(layers[at])[stage]
        first = at if layers[at].is_file else _first_override(layers)
        content = OmegaConf.create({"stages": {stage: dict(RECIPES[name])}})
        content.merge_with(written[first].content)
        written[first] = replace(written[first], content=content)
    return written


def _named(layer: Layer) -> dict[str, str]:
    """The known recipes that a layer names, by the stage."""
    plain: Any = OmegaConf.to_container(layer.content, resolve=False)
    stages = plain.get("stages") if isinstance(plain, dict) else None
    return {
        str(stage): settings[RECIPE]
        for stage, settings in (stages if isinstance(stages, dict) else {}).items()
        if isinstance(settings, dict) and settings.get(RECIPE) in tuple(RECIPES)
    }


def _first_override(layers: Sequence[Layer]) -> int:
    return next(at for at, layer in enumerate(layers) if not layer.is_file)
