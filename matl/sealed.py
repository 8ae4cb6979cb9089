"""JSON that carries the digest of all that it says, so that no damage to it is believed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from matl.files import json_bytes, read_json

_DIGEST = "digest"


def sealed(values: Mapping[str, Any]) -> bytes:
    """Values as JSON with their digest.

    Raises:
        ValueError: A number is not finite, which JSON cannot hold.
    """
    held = json.loads(json_bytes(values))
    return json_bytes(held | {_DIGEST: _digest(held)})


def unsealed(content: bytes) -> dict[str, Any]:
    """The values that `sealed` wrote.

    Raises:
        ValueError: It is no JSON, or has changed since.
    """
    values = read_json(content)
    if not isinstance(values, dict) or values.pop(_DIGEST, None) != _digest(values):
        raise ValueError("its digest is not that of its content")
    return values


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
