"""Recipes are other defaults: what a stage says itself always holds."""

from pathlib import Path

import pytest
from tiny import Load

from matl.errors import MatlError
from matl.stages.recipes import RECIPES


def test_a_recipe_sets_what_the_stage_does_not_say(load_tiny: Load) -> None:
    plain = load_tiny("stages.diagnosis.recipe=scratch").stages["diagnosis"]
    assert plain == load_tiny().stages["diagnosis"]
    words = ("stages.diagnosis.recipe=finetune", "stages.diagnosis.head_lr=3")
    chosen = load_tiny(*words).stages["diagnosis"]
    wanted = {**RECIPES["finetune"], "head_lr": 3.0}
    assert {name: getattr(chosen, name) for name in wanted} == wanted


@pytest.mark.parametrize("swapped", [False, True])
def test_a_recipe_of_an_override_holds_over_the_file_and_under_other_overrides(
    load_tiny: Load, tiny_file: Path, swapped: bool
) -> None:
    written = tiny_file.read_text().replace(
        "task: diagnosis", "task: diagnosis\n    recipe: finetune\n    lr: 3.0e-4"
    )
    tiny_file.write_text(written)
    assert load_tiny().stages["diagnosis"].lr == 3e-4
    words = ["stages.diagnosis.recipe=probe", "stages.diagnosis.weight_decay=0.1"]
    probe = load_tiny(*(words[::-1] if swapped else words)).stages["diagnosis"]
    assert (probe.freeze, probe.lr, probe.weight_decay) == ("all", RECIPES["probe"]["lr"], 0.1)
    assert probe.head_lr == 1.0, "nothing is left of the recipe before"


def test_a_probe_trains_the_heads_alone(load_tiny: Load) -> None:
    assert load_tiny("stages.diagnosis.recipe=probe").stages["diagnosis"].freeze == "all"


def test_an_unknown_recipe_is_named_with_the_nearest(load_tiny: Load) -> None:
    message = r"stages\.diagnosis\.recipe: 'fintune' is not possible; .*finetune"
    with pytest.raises(MatlError, match=message):
        load_tiny("stages.diagnosis.recipe=fintune")
    for wrong in ("null", "[a]"):
        with pytest.raises(MatlError, match="choose from scratch, finetune, probe"):
            load_tiny(f"stages.diagnosis.recipe={wrong}")
