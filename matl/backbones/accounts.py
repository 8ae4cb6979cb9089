"""How many parameters a transfer carries, without their values."""

from collections.abc import Mapping
from dataclasses import dataclass

from matl.backbones.config import SHUFFLED, TRANSFERS, BackboneConfig
from matl.backbones.cost import network_cost


@dataclass(frozen=True)
class Account:
    """How many parameters a transfer carries, and how many start as in the chain's first stage."""

    transfer: str
    carried: dict[str, int]
    restarted: dict[str, int]

    def __str__(self) -> str:
        words = f"carries {_listed(self.carried)}"
        if SHUFFLED in self.transfer:
            words += ", shuffled"
        return f"{words}; restarts {_listed(self.restarted)}" if self.restarted else words


def account(config: BackboneConfig, transfer: str) -> Account:
    """Counts the parameters of each family that a transfer carries, and that restart.

    Args:
        config: The network.
        transfer: One of `TRANSFERS`.
    """
    shares = network_cost(config).parameters
    counts = {"operators": shares.operators, "convolutions": shares.total - shares.operators}
    present = {name: count for name, count in counts.items() if count}
    carried = {name: count for name, count in present.items() if name in TRANSFERS[transfer]}
    return Account(transfer, carried, {k: v for k, v in present.items() if k not in carried})


def _listed(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{count:,} parameters of {name}" for name, count in counts.items())
