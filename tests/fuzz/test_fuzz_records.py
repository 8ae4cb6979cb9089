"""Every JSON that matl reads, with any bytes and any value of the wrong kind."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fuzzed import Place, assert_harmless, changed_tree, damaged_bytes, fuzz
from hypothesis import given
from hypothesis import strategies as st

from matl import kept
from matl.checksums import write_files
from matl.names import MANIFEST
from matl.sealed import sealed, unsealed

Write = Callable[[Path, Any], None]
OF_A_RUN = ["report runs/run"]
OF_A_STORE = ["store list --store store", "store check --store store", "plan tiny.yaml"]
OF_AN_ABLATION = ["report runs/tiny-ablation", "ablate ablation.yaml"]
EVALUATE = "evaluate runs/run --data folder:other --positive covid"


def as_noted(file: Path, values: Any) -> None:
    """Writes a record with the digest that its folder's SHA256SUMS notes."""
    write_files(file.parent, {file.name: json.dumps(values).encode()})


def as_it_is(file: Path, values: Any) -> None:
    file.write_text(json.dumps(values))


def as_sealed(file: Path, values: Any) -> None:
    try:
        file.write_bytes(sealed({name: one for name, one in values.items() if name != "digest"}))
    except (AttributeError, ValueError):  # no mapping, or a number that JSON does not have
        as_it_is(file, values)


def as_listed(file: Path, values: Any) -> None:
    """Writes a file of a stage, and its digest into the stage's manifest."""
    as_it_is(file, values)
    manifest = unsealed((file.parent / MANIFEST).read_bytes())
    manifest["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (file.parent / MANIFEST).write_bytes(sealed(manifest))


# A file's digest is renewed where its reader checks every value itself.
FILES: dict[str, tuple[Write, list[str]]] = {
    "runs/run/record.json": (as_noted, OF_A_RUN),
    "runs/run/manifest.json": (as_it_is, [*OF_A_RUN, "explain runs/run", EVALUATE]),
    "runs/run/metrics.json": (as_it_is, OF_A_RUN),
    "runs/run/figures/digests.json": (as_it_is, OF_A_RUN),
    "runs/run/explain/explain.json": (as_it_is, OF_A_RUN),
    "runs/run/evaluate-*/record.json": (as_noted, OF_A_RUN),
    "runs/run/evaluate-*/manifest.json": (as_it_is, OF_A_RUN),
    "runs/tiny-ablation/results.json": (as_noted, OF_AN_ABLATION),
    "runs/tiny-ablation/analysis.json": (as_noted, OF_AN_ABLATION),
    "runs/tiny-ablation/metrics.json": (as_it_is, OF_AN_ABLATION),
    "store/*/manifest.json": (as_it_is, ["run tiny.yaml", "explain runs/run", EVALUATE]),
    "store/[!u]*/manifest.json": (as_sealed, OF_A_STORE),
    "store/*/floor.json": (as_listed, [EVALUATE]),
    "store/floors/*.json": (as_sealed, ["run tiny.yaml"]),
    "store/unfinished/*/about.json": (as_it_is, OF_A_STORE),
    "cache/*/meta.json": (as_it_is, ["plan tiny.yaml", "explain runs/run"]),
}
CASES = [(file, command) for file, (_, commands) in FILES.items() for command in commands]
DEEP = b"[" * 100_000
EMPTY = b""


@contextmanager
def restored(folder: Path) -> Iterator[None]:
    """Puts back the files of a folder that change within it."""
    before = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    try:
        yield
    finally:
        for file, content in before.items():
            file.write_bytes(content)


def one_of(place: Place, pattern: str) -> Path:
    return min(place.folder.glob(pattern))


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "command"), CASES)
@fuzz(8)
@given(data=st.data())
def test_a_value_of_another_kind_is_read_or_refused(
    finished: Place, pattern: str, command: str, data: st.DataObject
) -> None:
    write, _ = FILES[pattern]
    file = one_of(finished, pattern)
    with restored(file.parent):
        write(file, data.draw(changed_tree(json.loads(file.read_bytes()))))
        assert_harmless(finished.run(*command.split()))


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "command"), CASES)
@fuzz(4)
@given(data=st.data())
def test_damage_is_survived_or_refused(
    finished: Place, pattern: str, command: str, data: st.DataObject
) -> None:
    file = one_of(finished, pattern)
    content = file.read_bytes()
    with restored(file.parent):
        file.write_bytes(data.draw(st.sampled_from([DEEP, EMPTY]) | damaged_bytes(content)))
        assert_harmless(finished.run(*command.split()))


@pytest.mark.slow
@fuzz(30)
@given(data=st.data())
def test_kept_answers_are_survived(scans: Place, data: st.DataObject) -> None:
    scans.must("plan", "scans.yaml")
    file = kept.cache_home() / kept.FILE
    with restored(file.parent):
        file.write_bytes(
            data.draw(st.sampled_from([DEEP, EMPTY]) | damaged_bytes(file.read_bytes()))
        )
        assert scans.run("plan", "scans.yaml").code == 0
