"""Runs of `matl run` in processes that start quickly, so that they can be killed many times."""

import multiprocessing
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tiny import write_tiny

from matl.names import BACKBONE, HEADS
from matl.orchestrator.store import Store

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["matl.cli", "matl.orchestrator.run"])
FAR_TIMES = (86_400, 4_102_444_800)  # 1970 and 2100
PATIENCE = 900
STAGES = 3


class Run:
    """One `matl run`, in a session of its own.

    Args:
        file: the experiment.
        words: overrides.
        largest_file: bytes that no file may exceed.
    """

    def __init__(self, file: Path, words: Sequence[str] = (), largest_file: int = 0) -> None:
        self.log = file.parent / "logs" / f"{time.monotonic_ns()}.txt"
        self.log.parent.mkdir(exist_ok=True)
        arguments = ["run", str(file), *words]
        self.process = CONTEXT.Process(target=_matl, args=(arguments, self.log, largest_file))
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def ended_within(self, seconds: float) -> bool:
        self.process.join(seconds)
        return self.process.exitcode is not None

    def end(self) -> int:
        """Waits for its end; its exit code."""
        assert self.ended_within(PATIENCE), self.shown
        assert self.process.exitcode is not None
        return self.process.exitcode

    def children(self, name: str) -> list[int]:
        """Ids of the processes that it started and whose command line holds a name."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.pid), "-f", name], capture_output=True, text=True
        )
        return [int(line) for line in listed.stdout.split()]

    def kill_all(self) -> None:
        """kill -9 of all its processes at once, as where a machine fails."""
        self.process.kill()  # it may not lead its session yet
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.end()

    @property
    def shown(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def trained(self) -> list[str]:
        """Fingerprints of the stages whose training it began, in their order."""
        return re.findall(r"^\w+: training \((\w+)\)", self.shown, re.M)


def _matl(arguments: list[str], log: Path, largest_file: int) -> None:
    from matl.cli import main

    os.setsid()
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    sys.argv = ["matl", *arguments]
    main()
    sys.stdout.flush()


class Chain:
    """A chain that is started again and again; what is finished is checked after every fault."""

    def __init__(self, folder: Path, data: Path, words: Sequence[str] = ()) -> None:
        folder.mkdir(exist_ok=True)
        self.file, self.words = write_tiny(folder, data), list(words)
        self.store = Store(folder / "store")

    def start(self, largest_file: int = 0) -> Run:
        self.finished = set(self.store)
        return Run(self.file, self.words, largest_file)

    def check(self, run: Run) -> None:
        """Nothing finished is lost or was trained again."""
        assert self.finished <= set(self.store)
        for fingerprint in self.store:
            for name in (BACKBONE, HEADS):
                self.store.file(fingerprint, name)
        assert not self.finished & set(run.trained)
        assert len(run.trained) == len(set(run.trained))

    def finish(self) -> Run:
        """Starts it a last time, and waits for its end."""
        run = self.start()
        assert run.end() == 0, run.shown
        self.check(run)
        return run

    def shift_times(self, random: random.Random) -> None:
        """Sets the times of all files far back and forth, as where a clock jumps."""
        for path in sorted(self.file.parent.rglob("*")):
            os.utime(path, (moment := random.uniform(*FAR_TIMES), moment))


def killed_again_and_again(chain: Chain, moments: Iterator[float]) -> Iterator[None]:
    """Kills all processes of a chain at moments in seconds until its stages are finished.

    Yields at every kill.
    """
    for moment in moments:
        if len(set(chain.store)) == STAGES:
            return
        run = chain.start()
        if run.ended_within(moment):
            assert run.end() == 0, run.shown
            chain.check(run)
            return
        run.kill_all()
        chain.check(run)
        yield


def mounted(folder: Path, size: str) -> bool:
    """Mounts a small disk in memory, where that is allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0
