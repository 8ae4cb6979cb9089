"""Learning rates and weight decay of a stage's parameters."""

from typing import Any

import torch
from timm.optim import param_groups_layer_decay, param_groups_weight_decay
from torch import nn

from matl.backbones import AttentiveBackbone
from matl.backbones.network import layer_depths
from matl.stages.settings import StageConfig

BACKBONE = "backbone."
HEAD = float("inf")


def parameter_groups(stage: nn.Module, config: StageConfig) -> list[dict[str, Any]]:
    """Trainable parameters in groups of one rate and one weight decay.

    Biases, norms and gates have no weight decay. Rates fall by `layer_decay` a layer from the
    heads to the images (https://arxiv.org/abs/2106.08254; timm's layers; an operator belongs to the
    layer before it), and those of heads, operators and gates are multiplied by their own factors.

    Args:
        stage: A task's module, with the shared network as `backbone`.
        config: Its settings.

    Raises:
        MatlError: `layer_decay` is asked of a network whose layers timm does not name.
    """
    decay = config.weight_decay
    if config.layer_decay < 1:
        layered = _Layered(stage)
        groups = param_groups_layer_decay(layered, decay, layer_decay=config.layer_decay)
    else:
        groups = param_groups_weight_decay(stage, decay)
    factors = _factors(stage, config)
    split: dict[tuple[float, float], dict[str, Any]] = {}
    for group in groups:
        for parameter in group["params"]:
            rate = config.lr * group.get("lr_scale", 1.0) * factors.get(parameter, 1.0)
            key = (rate, group["weight_decay"])
            new = {"params": [], "lr": rate, "weight_decay": group["weight_decay"]}
            split.setdefault(key, new)["params"].append(parameter)
    return list(split.values())


def _factors(stage: nn.Module, config: StageConfig) -> dict[torch.Tensor, float]:
    operators = stage.get_submodule(f"{BACKBONE}operators")
    named = dict(operators.named_parameters())
    gates = {name for name in named if name.endswith(".gate")}
    factors: dict[torch.Tensor, float] = {
        parameter: config.gate_lr if name in gates else config.operator_lr
        for name, parameter in named.items()
    }
    heads = stage.get_submodule("heads").parameters()
    return factors | dict.fromkeys(heads, config.head_lr)


class _Layered(nn.Module):
    """A stage as timm's layer decay wants it: with the depth of each parameter."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = stage

    def group_matcher(self, coarse: bool = False) -> Any:
        backbone = self.stage.get_submodule(BACKBONE.rstrip("."))
        assert isinstance(backbone, AttentiveBackbone)
        depths = _backbone_depths(backbone)
        return lambda name: (depths.get(name.removeprefix(f"stage.{BACKBONE}"), HEAD),)


def _backbone_depths(backbone: AttentiveBackbone) -> dict[str, float]:
    """Depth of each parameter by its name in the backbone."""
    depths: dict[str, float] = {}
    deepest = 0.0
    of_key = layer_depths(backbone.name)
    for step, stride in backbone.network.steps:
        module = backbone.network.get_submodule(step)
        for name, _ in module.named_parameters():
            depths[f"network.{step}.{name}"] = of_key[f"{step}.{name}"]
            deepest = max(deepest, of_key[f"{step}.{name}"])
        if str(stride) in backbone.operators:
            for name, _ in backbone.operators[str(stride)].named_parameters():
                depths[f"operators.{stride}.{name}"] = deepest
    return depths
