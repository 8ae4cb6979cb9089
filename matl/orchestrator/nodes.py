"""The machines of a run: one `matl run` on each, which torchrun or srun starts."""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from data_modules.errors import first_line
from matl.config import TrainerConfig
from matl.errors import MatlError, ProcessEnded

if TYPE_CHECKING:
    from torch.distributed import Store

POLL_SECONDS = 0.2
REASON_SECONDS = 60.0
BEAT_SECONDS, SILENCE_SECONDS, LEAVE_SECONDS = 2.0, 60.0, 5.0
MEETING = timedelta(minutes=30)


@dataclass(frozen=True)
class Nodes:
    """This node among those of the run, and the line between them.

    Attributes:
        rank: this node's number; node 0 plans, commits and reports, the others train along.
        count: how many there are.
        address: of node 0.
        line: what the nodes tell each other through; None where there is one node.
    """

    rank: int = 0
    count: int = 1
    address: str = "localhost"
    line: "Store | None" = None

    @property
    def follows(self) -> bool:
        """Whether another node decides what is trained."""
        return self.rank > 0

    def tell(self, key: str, text: str) -> None:
        """Tells all other nodes something."""
        if self.line is not None:
            self.line.set(key, text)

    def hear(self, key: str) -> str:
        """Waits for what node 0 says.

        Raises:
            MatlError: node 0 has ended.
        """
        with self._talking() as line:
            self._wait(line, key)
            return line.get(key).decode()

    @contextmanager
    def together(self, step: str) -> Iterator[None]:
        """Around what every node does: where it fails on one node it fails on all.

        Raises:
            MatlError: it failed on another node before, for the reason that is given; or a node
                has ended without a reason, and nothing went wrong here but that processes ended.
        """
        if self.line is None:
            yield
            return
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        try:
            self._compare(step, failure)
        except MatlError:
            if failure is None or isinstance(failure, ProcessEnded):
                raise
        if failure is not None:
            raise failure

    def _compare(self, step: str, failure: Exception | None) -> None:
        """Waits for the other nodes.

        Raises:
            MatlError: the step failed on another node before, or a node has ended.
        """
        with self._talking() as line:
            if failure is not None:
                line.compare_set(f"{step}/failure", "", f"{self.rank} {first_line(failure)}")
            if line.add(f"{step}/ended", 1) == self.count:
                line.set(f"{step}/over", "")
            self._wait(line, f"{step}/over", float("inf") if failure is None else REASON_SECONDS)
            if line.check([f"{step}/failure"]):
                rank, _, reason = line.get(f"{step}/failure").decode().partition(" ")
                if int(rank) != self.rank:
                    raise MatlError(f"node {rank}: {reason}")

    @contextmanager
    def _talking(self) -> Iterator["Store"]:
        assert self.line is not None
        try:
            yield self.line
        except RuntimeError as error:  # node 0 holds the other end
            raise MatlError("node 0 has ended; what it printed says why") from error

    def _wait(self, line: "Store", key: str, seconds: float = float("inf")) -> None:
        """Waits for a key, open to signals, which a wait inside of torch is not."""
        start = time.monotonic()
        heard = dict.fromkeys(range(1, self.count) if self.rank == 0 else [0], (0, start))
        while not line.check([key]) and (now := time.monotonic()) < start + seconds:
            for rank, (beats, moment) in heard.items():
                limit = SILENCE_SECONDS if beats else MEETING.total_seconds()
                if (beat := line.add(f"beats/{rank}", 0)) != beats:
                    heard[rank] = beat, now
                elif now - moment > limit:
                    raise MatlError(f"node {rank} has ended; what it printed says why")
            time.sleep(POLL_SECONDS)


def keep_beating(line: "Store", rank: int) -> threading.Event:
    """Shows the other nodes that this one lives, until it ends, or node 0 does, or the event."""
    over = threading.Event()

    def beat() -> None:
        with suppress(RuntimeError):
            line.add(f"beats/{rank}", 1)
            while not over.wait(BEAT_SECONDS):
                line.add(f"beats/{rank}", 1)

    thread = threading.Thread(target=beat, daemon=True, name="beat")
    thread.start()
    atexit.register(thread.join, LEAVE_SECONDS)
    atexit.register(over.set)  # is called first: in the midst of torch the thread would abort
    return over


ALONE = Nodes()


def join_nodes(trainer: TrainerConfig) -> Nodes:
    """Finds this node's place from what torchrun or srun says, and the other nodes.

    Raises:
        MatlError: the launcher says another number of nodes than the experiment, or started
            several processes on a node.
    """
    launcher, count, tasks = _launched()
    if count != trainer.nodes:
        said = f"{launcher} started {count}" if launcher else "neither torchrun nor srun started it"
        raise MatlError(f"trainer.nodes: {trainer.nodes}, but {said}; see docs/devices.md")
    if tasks != count:
        raise MatlError(
            f"{launcher} started {tasks} processes on {count} nodes; start one on each, with "
            "torchrun --nproc-per-node=1 or srun --ntasks-per-node=1"
        )
    return ALONE if count == 1 else _meet(launcher, count)


def _meet(launcher: str | None, count: int) -> Nodes:
    """Waits for the other nodes.

    Raises:
        MatlError: they do not come, or Slurm is set up otherwise than Lightning can follow.
    """
    from pytorch_lightning.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
    from torch.distributed import DistError, PrefixStore
    from torch.distributed.rendezvous import rendezvous

    try:
        environment = TorchElasticEnvironment() if launcher == "torchrun" else SLURMEnvironment()
    except RuntimeError as error:  # Lightning refuses some of Slurm's settings
        raise MatlError(f"srun: {first_line(error)}") from error
    rank, address = environment.node_rank(), environment.main_address
    os.environ["MASTER_PORT"] = str(environment.main_port)  # Slurm's job may give it otherwise
    try:
        line, *_ = next(rendezvous("env://", rank, count, timeout=MEETING))
    except DistError as error:
        raise MatlError(f"the nodes cannot meet at {address}: {first_line(error)}") from error
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # torchrun keeps its store
    line = PrefixStore(f"matl/{attempt}", line)
    keep_beating(line, rank)
    return Nodes(rank, count, address, line)


def _launched() -> tuple[str | None, int, int]:
    """What started this process, on how many nodes, and how many processes there.

    Slurm describes the job also to a script that it started once: only a step counts.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torch's own test of it
        return "torchrun", int(os.environ["GROUP_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    if "SLURM_STEP_NUM_NODES" in os.environ:
        step = ("SLURM_STEP_NUM_NODES", "SLURM_STEP_NUM_TASKS")
        nodes, tasks = (int(os.environ[name]) for name in step)
        return "srun", nodes, tasks
    return None, 1, 1
