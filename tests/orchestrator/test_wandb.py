"""W&B offline: one run a stage, grouped, and its file can be read back."""

import struct
from pathlib import Path

from tiny import Load, run_quietly
from wandb.proto.wandb_internal_pb2 import Record

HEADER = 7
BLOCK = 32768
LAST_PARTS = (1, 4)


def records(file: Path) -> list[Record]:
    """Every record of a `.wandb` file: a header, then a LevelDB log of protocol buffers."""
    content = file.read_bytes()
    assert content[:4] == b":W&B"
    parsed, at, message = [], HEADER, b""
    while at + HEADER <= len(content):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + HEADER])
        message += content[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in LAST_PARTS:
            parsed.append(Record.FromString(message))
            message = b""
    return parsed


def test_offline_files_hold_every_stage(load_tiny: Load, tmp_path: Path) -> None:
    _, folder, _ = run_quietly(load_tiny("logger.wandb=offline", "chain=[shapes,diagnosis]"))
    files = sorted((tmp_path / "runs" / "wandb").glob("offline-run-*/*.wandb"))
    assert len(files) == 2
    logged = {}
    for file in files:
        entries = records(file)
        [run] = [entry.run for entry in entries if entry.HasField("run")][:1]
        assert run.run_group == folder.name
        rows = [entry.history for entry in entries if entry.HasField("history")]
        names = {".".join(item.nested_key) or item.key for row in rows for item in row.item}
        config = {item.key or item.nested_key[0]: item.value_json for item in run.config.update}
        logged[run.display_name] = names, config
    assert set(logged) == {"shapes", "diagnosis"}
    assert {"loss", "gate/32", "val/accuracy"} <= logged["shapes"][0]
    assert "val/auroc" in logged["diagnosis"][0]
