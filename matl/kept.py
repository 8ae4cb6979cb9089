"""Answers of slow libraries, kept in one small file so that each question is asked once.

The file is in the user's cache folder. Nothing in it is needed: a file that is missing, damaged
or cannot be written costs the time to ask again.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from matl.files import read_json, read_whole, replace_file

FILE = "answers.json"


def kept(key: str, ask: Callable[[], Any]) -> Any:
    """The answer kept under a key, or a new one, which is then kept.

    Args:
        key: The question, with every version that the answer depends on.
        ask: Finds the answer, a value that JSON can hold. What it raises is passed on.

    Returns:
        The answer as JSON gives it back: tuples are lists, keys are texts.
    """
    answers = _read(cache_home() / FILE)
    if key not in answers:
        answer = json.loads(json.dumps(ask()))
        answers = _read(cache_home() / FILE) | {key: answer}  # asking may have kept others
        with suppress(OSError):
            cache_home().mkdir(parents=True, exist_ok=True)
            replace_file(cache_home() / FILE, _file_content(answers))
    return answers[key]


def cache_home() -> Path:
    """The folder of matl's kept answers: MATL_CACHE_HOME, or `matl` in the user's cache folder."""
    if own := os.environ.get("MATL_CACHE_HOME"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matl"


def _file_content(answers: dict[str, Any]) -> bytes:
    rows = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(answers.items())]
    body = "{\n" + ",\n".join(rows) + "\n}\n"
    return f"{_digest(body)}\n{body}".encode()


def _read(file: Path) -> dict[str, Any]:
    """The answers of a file whose first line is the digest of the rest; none where it is not."""
    try:
        digest, _, body = read_whole(file).decode().partition("\n")
        return read_json(body) if digest == _digest(body) else {}
    except (OSError, ValueError):
        return {}


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
