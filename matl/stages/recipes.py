"""Named defaults of a stage: a network that was trained before wants other rates than a new one."""

from collections.abc import Mapping
from typing import Any

from data_modules.errors import did_you_mean
from matl.errors import SettingError

RECIPE = "recipe"
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "scratch": {},
    "finetune": {"lr": 4e-3, "layer_decay": 0.8, "head_lr": 10.0},
    "probe": {"freeze": "all", "lr": 1e-2, "weight_decay": 0.0},
}
"""What each sets where the stage says nothing: `finetune` lets rates fall from the heads to the
images, as timm's fine-tuning does; `probe` trains the heads alone on frozen features."""


def with_recipe(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a stage with those of its `recipe` where it says nothing itself.

    Raises:
        SettingError: There is no such recipe.
    """
    own = dict(settings)
    name = own.pop(RECIPE, "scratch")
    if not isinstance(name, str) or name not in RECIPES:
        hint = did_you_mean(str(name), RECIPES)
        raise SettingError([RECIPE], f"{name!r} is not possible; {hint}")
    return {**RECIPES[name], **own}


def describe_recipes() -> str:
    """What each recipe sets, in words."""
    parts = []
    for name, settings in RECIPES.items():
        said = ", ".join(f"{key} {value}" for key, value in settings.items())
        parts.append(f"`{name}`: {said or 'the defaults of this page'}")
    return "; ".join(parts)
