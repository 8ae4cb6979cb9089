"""Verifies every digest of a store."""

from collections.abc import Iterator

from matl.errors import MatlError
from matl.names import FLOORS
from matl.orchestrator.floors import read_floor
from matl.orchestrator.store import Store


def damage(store: Store) -> Iterator[tuple[str, str]]:
    """What each finished stage and each floor of a store is, and a line on its damage.

    Yields:
        "stage" or "floor", and how it is damaged; an empty text where it is whole.
    """
    for fingerprint in store:
        yield "stage", _stage_damage(store, fingerprint)
    for file in sorted((store.root / FLOORS).glob("*.json")):
        try:
            read_floor(file)
            yield "floor", ""
        except (OSError, ValueError, KeyError) as error:
            yield "floor", f"{file}: is damaged: {error}; the next run computes it again"


def _stage_damage(store: Store, fingerprint: str) -> str:
    try:
        for name in store.manifest(fingerprint).sha256:
            store.file(fingerprint, name)
    except MatlError as error:
        return str(error)
    return ""
