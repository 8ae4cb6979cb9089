"""The digests of the files that matl reads back: what has changed since is never believed.

They are beside the files in `SHA256SUMS`, which `sha256sum --check` reads too.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from matl.errors import MatlError
from matl.files import read_whole, replace_file
from matl.names import CHECKSUMS


def write_files(folder: Path, contents: Mapping[str, bytes | None]) -> None:
    """Replaces files of a folder, each whole, and notes their digests.

    The new digests are noted beside the old ones before a file is written, so that a command may be
    killed at any moment.

    Args:
        folder: Holds the files.
        contents: By the file's name, in the order in which they are written; None removes one.
    """
    known = _known(folder)
    new = {name: {_digest(content)} for name, content in contents.items() if content is not None}
    both = {name: known.get(name, set()) | new.get(name, set()) for name in known | new}
    replace_file(folder / CHECKSUMS, _as_text(both))
    for name, content in contents.items():
        replace_file(folder / name, content)
    kept = {name: digests for name, digests in known.items() if name not in contents}
    replace_file(folder / CHECKSUMS, _as_text(kept | new))


def read_file(folder: Path, name: str) -> bytes:
    """The content of a file that `write_files` wrote; one without a digest is not checked.

    Raises:
        FileNotFoundError: There is none.
        MatlError: It has changed since it was written.
    """
    content = read_whole(folder / name)
    noted = _known(folder).get(name)
    if noted and _digest(content) not in noted:
        raise MatlError(
            f"{folder / name}: is damaged or was changed: its SHA-256 is not that of {CHECKSUMS}; "
            "type the command that wrote it again: nothing is trained twice"
        )
    return content


def is_noted(folder: Path, name: str) -> bool:
    """Whether the digest of a file was noted, so that `read_file` checks it."""
    return name in _known(folder)


def _known(folder: Path) -> dict[str, set[str]]:
    """The digests of each file; none where there is no list."""
    try:
        lines = read_whole(folder / CHECKSUMS).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    known: dict[str, set[str]] = {}
    for line in lines:
        digest, _, name = line.partition("  ")
        if name:
            known.setdefault(name, set()).add(digest)
    return known


def _as_text(known: Mapping[str, set[str]]) -> bytes:
    lines = [f"{one}  {name}\n" for name in sorted(known) for one in sorted(known[name])]
    return "".join(lines).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
