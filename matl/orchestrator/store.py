"""Finished stages by fingerprint: an entry is there whole, or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from matl.errors import MatlError
from matl.files import file_digest, read_json, read_whole, sync
from matl.manifest import StageManifest, read_manifest
from matl.names import ABOUT, FLOORS, MANIFEST, REPLACED, STARTS, stage_lock
from matl.typed_json import typed


@dataclass(frozen=True)
class Unfinished:
    """A stage that was interrupted, or is being trained.

    Attributes:
        fingerprint: of the stage.
        about: `stage` and `experiment`, its names; empty where they are not known.
        size: bytes of its files.
        running: whether some run is training it.
    """

    fingerprint: str
    about: dict[str, str]
    size: int
    running: bool


class Store:
    """A folder of finished stages, one subfolder a fingerprint.

    A stage is trained in a workspace beside the entries, under a lock, and committed by one
    rename. An entry is never changed; a stage trained again replaces it whole. A folder whose name
    is no fingerprint is none of the store's. Reading makes nothing.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.unfinished_folder = self.root / "unfinished"

    def __contains__(self, fingerprint: str) -> bool:
        with self._readable():
            return (self.entry(fingerprint) / MANIFEST).is_file()

    def __iter__(self) -> Iterator[str]:
        """Fingerprints of the finished stages, oldest first."""
        finished = {}
        for folder in self._folders():
            fingerprint = folder.name.removesuffix(REPLACED)
            with suppress(FileNotFoundError):  # another run may replace or remove it meanwhile
                if is_fingerprint(fingerprint) and _may_be_finished(folder):
                    finished[fingerprint] = folder.stat().st_mtime
        return iter(sorted(finished, key=finished.__getitem__))

    def _folders(self) -> list[Path]:
        try:
            return [Path(one.path) for one in os.scandir(self.root)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MatlError(f"{self.root}: cannot be listed ({error.strerror})") from error

    def entry(self, fingerprint: str) -> Path:
        """Folder of a finished stage."""
        folder, replaced = self.root / fingerprint, self._replaced(fingerprint)
        with self._readable():
            return replaced if replaced.exists() and not folder.exists() else folder

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Says in one line that the store, or a stage in it, cannot be looked into."""
        try:
            yield
        except OSError as error:
            folder = Path(error.filename).parent if error.filename else self.root
            raise MatlError(
                f"{folder}: cannot be looked into ({error.strerror}); make it readable, or name "
                "another store"
            ) from error

    def manifest(self, fingerprint: str) -> StageManifest:
        """What is known of a finished stage.

        Raises:
            MatlError: Its manifest is damaged or of another version, or gone.
        """
        try:
            manifest = read_manifest(self.entry(fingerprint))
        except FileNotFoundError as error:
            raise MatlError(f"{self.root}: {fingerprint} was removed meanwhile") from error
        except MatlError as error:
            raise MatlError(f"{error}; {self._fix(fingerprint)}") from error
        except OSError as error:
            folder = self.entry(fingerprint)
            raise MatlError(f"{folder}: cannot be read ({error.strerror}); make it so") from error
        if manifest.fingerprint != fingerprint:
            folder = self.entry(fingerprint)
            raise MatlError(f"{folder}: is the stage {manifest.fingerprint}; rename it back")
        return manifest

    def whole_manifests(self) -> Iterator[StageManifest]:
        """The manifests of the finished stages, without those that cannot be read."""
        for fingerprint in self:
            with suppress(MatlError):
                yield self.manifest(fingerprint)

    def unreadable(self) -> list[str]:
        """A line on each finished stage that is damaged or of another version."""
        lines = []
        for fingerprint in self:
            try:
                self.manifest(fingerprint)
            except MatlError as error:
                lines.append(str(error))
        return lines

    def file(self, fingerprint: str, name: str) -> Path:
        """A file of a finished stage, as it was committed.

        Raises:
            MatlError: the file is missing or has changed since.
        """
        path = self.entry(fingerprint) / name
        digests = self.manifest(fingerprint).sha256
        if not path.is_file() or file_digest(path) != digests.get(name):
            raise MatlError(f"{path}: is damaged; {self._fix(fingerprint)}")
        return path

    def find(self, start: str, unfinished: bool = False) -> str:
        """The one fingerprint that begins with `start`, of the finished stages or of all.

        Raises:
            MatlError: none or several do, or it is empty.
        """
        if not start:
            raise MatlError("name a stage by its fingerprint's beginning; see `matl store list`")
        known = dict.fromkeys(self)
        if unfinished:
            known |= dict.fromkeys(one.fingerprint for one in self.unfinished())
        found = [fingerprint for fingerprint in known if fingerprint.startswith(start)]
        if len(found) != 1:
            count = "no stage" if not found else f"{len(found)} stages"
            raise MatlError(f"{start}: {count} in {self.root} begin so; see `matl store list`")
        return found[0]

    def unfinished(self) -> list[Unfinished]:
        """The stages that are being trained or were interrupted, by fingerprint."""
        folders = sorted(path for path in self.unfinished_folder.glob("*") if path.is_dir())
        fingerprints = dict.fromkeys(path.name.partition(".")[0] for path in folders)
        return [self._unfinished_one(one) for one in fingerprints if is_fingerprint(one)]

    def _unfinished_one(self, fingerprint: str) -> Unfinished:
        folders = self._workspaces(fingerprint)
        about = next((_read_about(folder) for folder in folders if (folder / ABOUT).exists()), {})
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        return Unfinished(fingerprint, about, size, self._is_locked(fingerprint))

    def _workspaces(self, fingerprint: str) -> list[Path]:
        """All that lies of a stage among the unfinished ones, but for its lock."""
        paths = [
            self.unfinished_folder / fingerprint,
            *self.unfinished_folder.glob(f"{fingerprint}.*"),
        ]
        return [path for path in paths if path.is_dir()]

    def _is_locked(self, fingerprint: str) -> bool:
        if not (self.unfinished_folder / stage_lock(fingerprint)).exists():
            return False
        try:
            with self.lock(fingerprint).acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # another user's store: whoever may write it may be training it
            return False

    def floor(self, key: str) -> Path:
        """The file of a floor; floors are kept by what they are computed from."""
        return self.root / FLOORS / f"{key}.json"

    def start(self, key: str) -> Path:
        """The file of what a backbone promises; kept by what it is computed from."""
        return self.root / STARTS / f"{key}.json"

    def lock(self, fingerprint: str) -> FileLock:
        """Held while a stage is trained, so that no two runs train it at once."""
        self.unfinished_folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.unfinished_folder / stage_lock(fingerprint))

    def workspace(self, fingerprint: str, fresh: bool = False, **about: str) -> Path:
        """Folder of an unfinished stage: checkpoints and what will be committed.

        Args:
            fingerprint: of the stage.
            fresh: beside the one of a stage that is not trained afresh.
            about: names that a reader knows it by.
        """
        folder = self.unfinished_folder / (f"{fingerprint}.fresh" if fresh else fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ABOUT).write_text(json.dumps(about))
        return folder

    def commit(self, fingerprint: str, finished: Path) -> None:
        """Moves a finished folder, which holds its manifest, into the store by one rename."""
        folder, replaced = self.root / fingerprint, self._replaced(fingerprint)
        for path in (*finished.iterdir(), finished):
            sync(path)
        if folder.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            os.rename(folder, replaced)
        os.rename(finished, folder)
        sync(self.root)
        shutil.rmtree(replaced, ignore_errors=True)

    def remove(self, fingerprint: str) -> None:
        """Removes a stage, finished or not.

        Raises:
            MatlError: a run is training it.
        """
        removed = self.unfinished_folder / f"{fingerprint}.removed"
        try:
            with self.lock(fingerprint).acquire(timeout=0):
                shutil.rmtree(removed, ignore_errors=True)
                shutil.rmtree(self._replaced(fingerprint), ignore_errors=True)
                if (self.entry(fingerprint) / MANIFEST).exists():
                    os.rename(self.entry(fingerprint), removed)
                for folder in self._workspaces(fingerprint):
                    shutil.rmtree(folder)
        except Timeout as error:
            raise MatlError(
                f"{fingerprint}: a run is training it; end that run before you remove it"
            ) from error

    def remove_leftover(self, fingerprint: str) -> None:
        """Removes the workspace of a finished stage whose run was killed at its very end."""
        shutil.rmtree(self.unfinished_folder / fingerprint, ignore_errors=True)

    def _fix(self, fingerprint: str) -> str:
        return f"run matl store remove {fingerprint} --store {self.root}, then train it again"

    def _replaced(self, fingerprint: str) -> Path:
        """Where an older entry lies until the new one has its place, or for ever after a kill."""
        return self.root / f"{fingerprint}{REPLACED}"


def is_fingerprint(name: str) -> bool:
    """Whether a name has the form of a stage's fingerprint."""
    return bool(re.fullmatch("[0-9a-f]{16}", name))


def _read_about(folder: Path) -> dict[str, str]:
    try:
        return typed(dict[str, str], read_json(read_whole(folder / ABOUT)))
    except (OSError, ValueError):
        return {}


def open_store(root: Path) -> Store:
    """The store in a folder, which is not made.

    Raises:
        MatlError: there is none.
    """
    if not root.is_dir():
        raise MatlError(f"{root}: there is no such store; name it with --store")
    return Store(root)


def _may_be_finished(folder: Path) -> bool:
    """Whether a stage's folder has a manifest, or cannot be looked into."""
    try:
        return (folder / MANIFEST).is_file()
    except PermissionError:
        return True
