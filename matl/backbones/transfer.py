"""What a stage takes of its parent's backbone: all, one family, or shuffled weights."""

from collections.abc import Mapping

import torch
from torch import Tensor

from matl.backbones.attentive import AttentiveBackbone
from matl.backbones.config import SHUFFLED, TRANSFERS
from matl.backbones.weights import NORMALISATION, OPERATOR_KEYS, canonical_state, load_state
from matl.seeding import generator


def family(key: str) -> str:
    """The family of a weight, by its canonical key."""
    return "operators" if key.startswith(OPERATOR_KEYS) else "convolutions"


def carry(
    backbone: AttentiveBackbone, parent: Mapping[str, Tensor], transfer: str, seed: int
) -> None:
    """Puts what a transfer carries of the parent's weights into a fresh backbone.

    The normalisation of the images is always carried, and never shuffled.

    Args:
        backbone: With the weights that are not carried; changed in place.
        parent: The parent's whole state, by canonical key.
        transfer: One of `TRANSFERS`.
        seed: Of the shuffling.

    Raises:
        MatlError: The parent's weights are not those of such a backbone.
    """
    fresh = canonical_state(backbone)
    state = {}
    for key, value in parent.items():
        carried = key in NORMALISATION or family(key) in TRANSFERS[transfer]
        state[key] = value if carried else fresh.get(key, value)
        if carried and SHUFFLED in transfer and key not in NORMALISATION:
            state[key] = _shuffled(value, generator(seed, "transfer", key))
    load_state(backbone, state, heads=()).raise_if_bad()


def _shuffled(values: Tensor, order: torch.Generator) -> Tensor:
    places = torch.randperm(values.numel(), generator=order)
    return values.flatten()[places].view(values.shape)
