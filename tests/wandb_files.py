"""Reading the `.wandb` files that W&B leaves on the disk."""

import json
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

HEADER = 7
BLOCK = 32768
LAST_PARTS = (1, 4)


@dataclass
class Recorded:
    """What one file records of a run."""

    started: int = 0
    identifier: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)

    def curve(self, name: str) -> list[Any]:
        """Values of a logged name, in their order."""
        return [row[name] for row in self.rows if name in row]


def recorded(runs: Path) -> list[Recorded]:
    """Every run that W&B has recorded offline below a folder of runs, oldest first."""
    found = [_complete(file) for file in (runs / "wandb").glob("offline-run-*/*.wandb")]
    return sorted(found, key=lambda run: run.started)


def _complete(file: Path) -> Recorded:
    """Reads a file when wandb's service has written the run's end, soon after `finish`."""
    deadline = time.monotonic() + 30
    while not (found := _recorded(file)).exit_codes and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _recorded(file: Path) -> Recorded:
    found = Recorded()
    for entry in records(file):
        if entry.HasField("run"):
            found.started = entry.run.start_time.ToNanoseconds()
            found.identifier, found.name = entry.run.run_id, entry.run.display_name
            found.group, found.job_type = entry.run.run_group, entry.run.job_type
            found.config |= {_key(item): item.value_json for item in entry.run.config.update}
        elif entry.HasField("history"):
            found.rows.append(_nested(entry.history.item))
        elif entry.HasField("summary"):
            found.summary |= _nested(entry.summary.update)
        elif entry.HasField("artifact"):
            names = found.used if entry.artifact.use_after_commit else found.logged
            names.append(entry.artifact.name)
        elif entry.HasField("exit"):
            found.exit_codes.append(entry.exit.exit_code)
    return found


def _nested(items: Iterable[Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for item in items:
        *way, last = item.nested_key or [item.key]
        place = nested
        for key in way:
            place = place.setdefault(key, {})
        place[last] = json.loads(item.value_json)
    return nested


def _key(item: Any) -> str:
    return item.key or item.nested_key[0]


def records(file: Path) -> Iterator[Record]:
    """Every record of a `.wandb` file: a header, then a LevelDB log of protocol buffers.

    The service may be writing: a record that is not whole yet is left out.
    """
    content = file.read_bytes()
    assert b":W&B".startswith(content[:4])
    at, message = HEADER, b""
    while at + HEADER <= len(content):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + HEADER])
        part = content[at + HEADER : at + HEADER + length]
        if len(part) < length:
            return
        message += part
        at += HEADER + length
        if kind in LAST_PARTS:
            yield Record.FromString(message)
            message = b""
