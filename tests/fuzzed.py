"""Commands of matl in processes with limits, and hostile forms of what they read."""

import math
import multiprocessing
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

SECONDS, BUSY = 60, 5  # of a processor, and how much longer a busy machine may take
MEGABYTES = 2000
CONTEXT = multiprocessing.get_context("forkserver")
LIBRARIES = [
    "jinja2",
    "matplotlib.pyplot",
    "omegaconf",
    "pandas",
    "PIL.Image",
    "rich.table",
    "torch",
]
CONTEXT.set_forkserver_preload(["matl.cli", *LIBRARIES])


def fuzz(examples: int) -> settings:
    """Settings of a test that starts a command for each example, and does not shrink for hours."""
    return settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: Its exit code, below 0 where its seconds were used up; None where it did not end.
        shown: What it printed.
        peak_mb: Its largest resident memory in 10^6 bytes.
    """

    code: int | None
    shown: str
    peak_mb: float


def matl(words: Sequence[str | Path], folder: Path, seconds: int = SECONDS) -> Outcome:
    """Runs a `matl` command in a folder, for no longer than these seconds of a processor."""
    log, peak = folder / "fuzz.log", folder / "fuzz.peak"
    peak.unlink(missing_ok=True)
    process = CONTEXT.Process(target=_matl, args=(list(map(str, words)), seconds, log, peak))
    process.start()
    process.join(BUSY * seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return Outcome(None, log.read_text(errors="replace"), math.inf)
    used = float(peak.read_text()) if peak.is_file() else math.inf
    return Outcome(process.exitcode, log.read_text(errors="replace"), used)


@dataclass(frozen=True)
class Place:
    """A folder with experiments, in which commands run."""

    folder: Path

    def run(self, *words: str | Path) -> Outcome:
        return matl(words, self.folder)

    def must(self, *words: str | Path) -> None:
        outcome = matl(words, self.folder, 10 * SECONDS)
        assert outcome.code == 0, outcome.shown


def _matl(words: list[str], seconds: int, log: Path, peak: Path) -> None:
    from matl.cli import main

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.chdir(log.parent)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["matl", *words]
    try:
        main()
    finally:
        sys.stdout.flush()
        peak.write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6))


def assert_harmless(outcome: Outcome, codes: Sequence[int] = (0, 2)) -> None:
    """It did what was asked or refused it; no traceback, no hang, no flood of memory."""
    assert outcome.code is not None, f"hangs: {outcome.shown}"
    assert "Traceback" not in outcome.shown, outcome.shown
    assert outcome.code in codes, outcome
    assert outcome.code == 0 or outcome.shown.strip(), "refused without a word"
    assert outcome.peak_mb < MEGABYTES, outcome


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """A file after a few faults: flipped, cut, doubled, overwritten or foreign bytes."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(damaged) - 1)))
        end = start + draw(st.sampled_from([1, 2, 4, 16, 256, 10**9]))
        match draw(st.sampled_from(["flip", "cut", "double", "zero", "foreign"])):
            case "flip" if damaged:
                damaged[start] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del damaged[start:end]
            case "double":
                damaged[start:start] = damaged[start:end]
            case "zero":
                damaged[start:end] = bytes(len(damaged[start:end]))
            case _:
                damaged[start : start + 4] = draw(st.binary(max_size=8) | st.just(b"\xff" * 8))
    return bytes(damaged)


HOSTILE: list[Any] = [None, True, False, 0, -1, 1, 10**30, -0.5, 1e308, math.inf, math.nan]
HOSTILE += ["", "x", "yes", "012", "null", "1e999", "..", "/", "/dev/zero", "a" * 300, "-"]
HOSTILE += ["${oc.env:HOME}", "${stages}", "[/x]", "=1+1", "%s", "{0}", "a\nb", "ü\u202e\x1b[1m"]
HOSTILE += [[], {}, [None], ["x"], {"x": 1}, [[1]], {"": ""}]
"""Values that are of the wrong type or beyond a range, or mean something to somebody."""


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a tree of mappings and lists stands, those of inner nodes too."""
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, (*at, key))


GONE = object()


def replaced(value: Any, at: Sequence[Any], by: Any) -> Any:
    """A tree in which one value is another, or gone (`GONE`)."""
    key, *rest = at
    changed = value.copy()
    if rest:
        changed[key] = replaced(value[key], rest, by)
    elif by is GONE:
        del changed[key]
    else:
        changed[key] = by
    return changed


@st.composite
def changed_tree(draw: st.DrawFn, value: Any, changes: int = 1) -> Any:
    """A tree in which a few values are hostile, gone, or exchanged for another of the tree."""
    for _ in range(draw(st.integers(1, changes))):
        at = draw(st.sampled_from(list(leaves(value))))
        value = replaced(value, at, draw(st.sampled_from([GONE, *HOSTILE])))
        if not value:
            break  # nothing is left to change
    return value
