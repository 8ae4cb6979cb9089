"""Killed at random moments, again and again: nothing is lost, and the weights are the same."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from faulty import CONTEXT, Chain, Run, killed_again_and_again
from tiny import weights
from wandb_files import recorded

pytestmark = pytest.mark.slow
KILLS_OF_THE_PARENT, KILLS_IN_A_GROUP, KILLS_OF_THE_SERVICE = 34, 6, 10
LONGER = ("stages.shapes.epochs=4", "stages.lung.epochs=6", "stages.diagnosis.epochs=10")
TWO_PROCESSES = ("chain=[diagnosis]", "stages.diagnosis.epochs=60", "trainer.devices=2")


def undisturbed(folder: Path, data: Path, words: tuple[str, ...]) -> float:
    """Trains the chain without a fault; how long it took in seconds, once all is imported."""
    warm = CONTEXT.Process(target=int)
    warm.start()
    warm.join()
    chain = Chain(folder, data, words)
    began = time.monotonic()
    chain.finish()
    return time.monotonic() - began


def killed(run: Run, number: int) -> bool:
    """kill -9 of one process; whether it was still there."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
        return True
    return False


def test_the_parent_is_killed(tmp_path: Path, phantom_root: Path) -> None:
    """Every second chain also has its files' times set far back and forth after every kill."""
    longest = undisturbed(tmp_path / "straight", phantom_root, LONGER)
    left, chains = KILLS_OF_THE_PARENT, 0
    while left:
        folder, seeded = tmp_path / f"chain{chains}", random.Random(chains)
        chain = Chain(folder, phantom_root, LONGER)
        moments = (seeded.uniform(0.05, 0.4) * longest for _ in range(left))
        for _ in killed_again_and_again(chain, moments):
            left -= 1
            if chains % 2:
                chain.shift_times(seeded)
        chain.finish()
        chains += 1
        assert weights(folder) == weights(tmp_path / "straight")
    print(
        f"{KILLS_OF_THE_PARENT} kills of the parent in {chains} chains; one takes {longest:.1f} s"
    )


def test_processes_of_a_group_are_killed(tmp_path: Path, phantom_root: Path) -> None:
    """One of two processes, or the parent alone: the others end too, and nothing is lost."""
    longest = undisturbed(tmp_path / "straight", phantom_root, TWO_PROCESSES)
    chain, moments = Chain(tmp_path / "killed", phantom_root, TWO_PROCESSES), random.Random(0)
    kills = {"rank": 0, "parent": 0}
    for number in range(KILLS_IN_A_GROUP):
        run = chain.start()
        ranks = wait_for_ranks(run)
        victim = "parent" if number % 3 == 2 else "rank"
        if run.ended_within(moments.uniform(0, 0.3) * longest):
            break
        kills[victim] += killed(run, run.pid if victim == "parent" else moments.choice(ranks))
        assert run.ended_within(60)
        if victim == "rank":
            assert "Traceback" not in run.shown
            assert run.end() == 2
        wait_for_end(ranks)
        chain.check(run)
    chain.finish()
    assert weights(tmp_path / "killed") == weights(tmp_path / "straight")
    assert sum(kills.values()) == KILLS_IN_A_GROUP
    print(f"kills in a group of two: {kills}; undisturbed: {longest:.1f} s")


def wait_for_ranks(run: Run) -> list[int]:
    while len(ranks := run.children("multiprocessing.spawn")) < 2:
        assert not run.ended_within(0.1), run.shown
    return ranks


def wait_for_end(processes: list[int]) -> None:
    """Processes whose parent was killed end by themselves."""
    deadline = time.monotonic() + 60
    while any(alive(number) for number in processes):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(number: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_the_service_of_wandb_is_killed(tmp_path: Path, phantom_root: Path) -> None:
    longest = undisturbed(tmp_path / "straight", phantom_root, LONGER)
    words = (*LONGER, "logger.wandb=offline")
    kills, chains = 0, 0
    while kills < KILLS_OF_THE_SERVICE:
        chain = Chain(tmp_path / f"chain{chains}", phantom_root, words)
        run = chain.start()
        for service in services(run, random.Random(chains), longest):
            kills += killed(run, service)
        assert run.end() == 0, run.shown
        chain.check(run)
        assert weights(tmp_path / f"chain{chains}") == weights(tmp_path / "straight")
        assert recorded(tmp_path / f"chain{chains}" / "runs")
        chains += 1
    print(f"{kills} kills of W&B's service in {chains} chains; undisturbed: {longest:.1f} s")


def services(run: Run, moments: random.Random, longest: float) -> Iterator[int]:
    """W&B's service process at random moments of a run, whichever it is then."""
    while not run.ended_within(moments.uniform(0, 0.3) * longest):
        yield from run.children("wandb-core")
