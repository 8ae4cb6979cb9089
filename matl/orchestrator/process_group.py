"""The process group of a stage on one machine: nothing outside the machine can reach it."""

import atexit
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from pytorch_lightning.plugins.environments import ClusterEnvironment
from torch.distributed.constants import default_pg_timeout

LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
STORE = "MATL_GROUP_STORE"


def process_environments(folder: Path, processes: int) -> dict[int, dict[str, str]]:
    """The environment variables that each process needs to join the group, by rank.

    Args:
        folder: A local folder that only this user can read, where the processes find each other.
        processes: How many there are.
    """
    common = {
        "WORLD_SIZE": str(processes),
        STORE: str(folder / "store"),
        "GLOO_SOCKET_IFNAME": LOOPBACK,
        "NCCL_SOCKET_IFNAME": f"={LOOPBACK}",  # without "=" each name that begins so is meant
        "TORCH_NCCL_ASYNC_ERROR_HANDLING": os.environ.get("TORCH_NCCL_ASYNC_ERROR_HANDLING", "1"),
    }
    return {
        rank: common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)
    }


def join_group(backend: str) -> None:
    """Makes this process part of the group; waits for the others.

    torch's own rendezvous would listen on all interfaces, and unpickle what anybody sends.

    Args:
        backend: `gloo`, or `nccl` for one GPU per process.
    """
    rank, processes = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cuda", rank) if backend == "nccl" else None
    dist.init_process_group(
        backend,
        store=dist.FileStore(os.environ[STORE], processes),
        rank=rank,
        world_size=processes,
        timeout=default_pg_timeout,
        device_id=device,
    )
    if device is not None:  # as Lightning does with a group of its own
        atexit.register(dist.destroy_process_group)


class OneMachine(ClusterEnvironment):
    """What Lightning asks about a group that exists already: it looks up no host, opens no port."""

    creates_processes_externally = True
    main_address = "127.0.0.1"

    @property
    def main_port(self) -> int:
        """Never needed: Lightning asks for a port only to make a group of its own.

        Raises:
            RuntimeError: There is no group yet; `join_group` makes it.
        """
        raise RuntimeError("the process group must exist before the Trainer")

    @staticmethod
    def detect() -> bool:
        """Lightning never chooses this environment by itself."""
        return False

    def world_size(self) -> int:
        """How many processes there are."""
        return int(os.environ["WORLD_SIZE"])

    def set_world_size(self, size: int) -> None:
        """Changes nothing: the group exists."""

    def global_rank(self) -> int:
        """The number of this process."""
        return int(os.environ["RANK"])

    def set_global_rank(self, rank: int) -> None:
        """Changes nothing: the group exists."""

    def local_rank(self) -> int:
        """The number of this process."""
        return int(os.environ["LOCAL_RANK"])

    def node_rank(self) -> int:
        """The number of the only node."""
        return 0
