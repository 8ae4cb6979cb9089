"""Verifies every digest of a store."""

from collections.abc import Callable, Iterator
from pathlib import Path

from matl.errors import MatlError
from matl.names import FLOORS, STARTS
from matl.orchestrator.floors import read_floor
from matl.orchestrator.starts import read_start
from matl.orchestrator.store import Store

KINDS = ("stage", "floor", "start")
"""What a store keeps: stages, and of diagnoses their floors and what they begin from."""


def damage(store: Store) -> Iterator[tuple[str, str]]:
    """What everything in a store is, and a line on its damage.

    Yields:
        One of `KINDS`, and how it is damaged; an empty text where it is whole.
    """
    for fingerprint in store:
        yield "stage", _stage_damage(store, fingerprint)
    readers: dict[str, tuple[str, Callable[[Path], object]]] = {
        "floor": (FLOORS, read_floor),
        "start": (STARTS, read_start),
    }
    for kind, (folder, read) in readers.items():
        for file in sorted((store.root / folder).glob("*.json")):
            try:
                read(file)
                yield kind, ""
            except (OSError, ValueError, KeyError) as error:
                yield kind, f"{file}: is damaged: {error}; the next run computes it again"


def _stage_damage(store: Store, fingerprint: str) -> str:
    try:
        for name in store.manifest(fingerprint).sha256:
            store.file(fingerprint, name)
    except MatlError as error:
        return str(error)
    return ""
