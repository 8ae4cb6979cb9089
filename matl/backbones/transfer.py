"""What of its parent's backbone a stage begins with: all, one family, or shuffled weights."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from matl.backbones.attentive import AttentiveBackbone
from matl.backbones.config import FAMILIES, SHUFFLED, TRANSFERS
from matl.backbones.weights import NORMALISATION, OPERATOR_KEYS, canonical_state, load_state
from matl.seeding import generator


@dataclass(frozen=True)
class Account:
    """How many parameters a transfer carries, and how many begin as in the chain's first stage."""

    transfer: str
    carried: dict[str, int]
    begun_anew: dict[str, int]

    def __str__(self) -> str:
        words = f"carries {_listed(self.carried)}"
        if SHUFFLED in self.transfer:
            words += ", shuffled"
        return f"{words}; begins {_listed(self.begun_anew)} anew" if self.begun_anew else words


def family(key: str) -> str:
    """The family of a weight, by its canonical key."""
    return "operators" if key.startswith(OPERATOR_KEYS) else "convolutions"


def account(backbone: AttentiveBackbone, transfer: str) -> Account:
    """Counts the parameters of each family that a transfer carries, and that begin anew."""
    counts = dict.fromkeys(FAMILIES, 0)
    for key, parameter in canonical_state(backbone, parameters_only=True).items():
        counts[family(key)] += parameter.numel()
    present = {name: count for name, count in counts.items() if count}
    carried = {name: count for name, count in present.items() if name in TRANSFERS[transfer]}
    return Account(transfer, carried, {k: v for k, v in present.items() if k not in carried})


def carry(
    backbone: AttentiveBackbone, parent: Mapping[str, Tensor], transfer: str, seed: int
) -> None:
    """Puts what a transfer carries of the parent's weights into a backbone that begins anew.

    The normalisation of the images is always carried, and never shuffled.

    Args:
        backbone: With the weights that are not carried; changed in place.
        parent: The parent's whole state, by canonical key.
        transfer: One of `TRANSFERS`.
        seed: Of the shuffling.

    Raises:
        MatlError: The parent's weights are not those of such a backbone.
    """
    anew = canonical_state(backbone)
    state = {}
    for key, value in parent.items():
        carried = key in NORMALISATION or family(key) in TRANSFERS[transfer]
        state[key] = value if carried else anew.get(key, value)
        if carried and SHUFFLED in transfer and key not in NORMALISATION:
            state[key] = _shuffled(value, generator(seed, "transfer", key))
    load_state(backbone, state, heads=()).raise_if_bad()


def _shuffled(values: Tensor, order: torch.Generator) -> Tensor:
    places = torch.randperm(values.numel(), generator=order)
    return values.flatten()[places].view(values.shape)


def _listed(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{count:,} parameters of {name}" for name, count in counts.items())
