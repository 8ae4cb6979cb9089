"""The files of a report: each is replaced whole, or taken away."""

import io
import json
import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def json_bytes(value: Any) -> bytes:
    """A value as indented JSON.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def png_bytes(figure: Figure | None) -> bytes | None:
    """A figure as a PNG file; None where there is none."""
    if figure is None:
        return None
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def replace_file(path: Path, content: bytes | None) -> None:
    """Puts a file in place whole, or takes away an older one where there is nothing to write."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
