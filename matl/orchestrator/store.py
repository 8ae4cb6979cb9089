"""Finished stages by fingerprint: an entry is there whole, or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from matl.errors import MatlError

MANIFEST = "manifest.json"
BACKBONE = "backbone.safetensors"
HEADS = "heads.safetensors"
CURVES = "curves.csv"
SCORES = "scores.csv"
FLOOR = "floor.csv"
KNOWN = frozenset(
    [
        "experiment",
        "stage",
        "task",
        "data",
        "counts",
        "notes",
        "epochs",
        "seconds",
        "images_per_second",
        "peak_memory_mb",
        "metric",
        "identity",
        "finished",
        "sha256",
    ]
)
"""What every manifest says."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Store:
    """A folder of finished stages, one subfolder a fingerprint.

    A stage is trained in a workspace beside the entries, under a lock, and committed by one
    rename. An entry is never changed; a stage trained again replaces it whole.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._unfinished = self.root / "unfinished"
        self._unfinished.mkdir(parents=True, exist_ok=True)

    def __contains__(self, fingerprint: str) -> bool:
        return (self.entry(fingerprint) / MANIFEST).is_file()

    def __iter__(self) -> Iterator[str]:
        """Fingerprints of the finished stages, oldest first."""
        entries = [path.parent for path in self.root.glob(f"*/{MANIFEST}")]
        finished = [path for path in entries if "." not in path.name]
        return iter([path.name for path in sorted(finished, key=lambda path: path.stat().st_mtime)])

    def entry(self, fingerprint: str) -> Path:
        """Folder of a finished stage."""
        folder, replaced = self.root / fingerprint, self._replaced(fingerprint)
        return replaced if replaced.exists() and not folder.exists() else folder

    def manifest(self, fingerprint: str) -> dict[str, Any]:
        """What is known of a finished stage.

        Raises:
            MatlError: its manifest is damaged.
        """
        try:
            manifest = json.loads((self.entry(fingerprint) / MANIFEST).read_text())
        except ValueError:
            manifest = {}
        if not isinstance(manifest, dict) or not manifest.keys() >= KNOWN:
            raise MatlError(f"{self.root}: {fingerprint} is damaged; {self._mend(fingerprint)}")
        return manifest

    def file(self, fingerprint: str, name: str) -> Path:
        """A file of a finished stage, as it was committed.

        Raises:
            MatlError: the file is missing or has changed since.
        """
        path = self.entry(fingerprint) / name
        digests = self.manifest(fingerprint)["sha256"]
        if not path.is_file() or file_digest(path) != digests.get(name):
            raise MatlError(f"{path}: is damaged; {self._mend(fingerprint)}")
        return path

    def find(self, start: str) -> str:
        """The one fingerprint that begins with `start`.

        Raises:
            MatlError: none or several do.
        """
        found = [fingerprint for fingerprint in self if start and fingerprint.startswith(start)]
        if len(found) != 1:
            count = "no stage" if not found else f"{len(found)} stages"
            raise MatlError(f"{start}: {count} in {self.root} begin so; see `matl store list`")
        return found[0]

    def lock(self, fingerprint: str) -> FileLock:
        """Held while a stage is trained, so that no two runs train it at once."""
        return FileLock(self._unfinished / f"{fingerprint}.lock")

    def workspace(self, fingerprint: str, fresh: bool = False) -> Path:
        """Folder of an unfinished stage: checkpoints and what will be committed."""
        folder = self._unfinished / (f"{fingerprint}.fresh" if fresh else fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(self, fingerprint: str, finished: Path) -> None:
        """Moves a finished folder, which holds its manifest, into the store by one rename."""
        folder, replaced = self.root / fingerprint, self._replaced(fingerprint)
        shutil.rmtree(replaced, ignore_errors=True)
        if folder.exists():
            os.rename(folder, replaced)
        os.rename(finished, folder)
        shutil.rmtree(replaced, ignore_errors=True)

    def remove(self, fingerprint: str) -> None:
        """Removes a finished stage."""
        removed = self._unfinished / f"{fingerprint}.removed"
        with self.lock(fingerprint):
            shutil.rmtree(removed, ignore_errors=True)
            os.rename(self.entry(fingerprint), removed)
            shutil.rmtree(removed)

    def _mend(self, fingerprint: str) -> str:
        return f"run matl store remove {fingerprint} --store {self.root}, then train it again"

    def _replaced(self, fingerprint: str) -> Path:
        return self.root / f"{fingerprint}.replaced"
