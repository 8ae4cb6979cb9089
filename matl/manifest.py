"""What is known of a finished stage: the manifest beside its weights, as a typed record."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matl.errors import MatlError
from matl.files import read_json, read_whole
from matl.names import MANIFEST
from matl.sealed import sealed, unsealed
from matl.typed_json import typed

FORMAT = 3
"""Raised when older manifests can no longer be read."""


@dataclass(frozen=True)
class StageManifest:
    """A finished stage.

    Attributes:
        format: Of the manifest.
        fingerprint: Of the stage, 16 hexadecimal digits.
        parent: Fingerprint of the stage whose backbone it began from.
        experiment: Name of the experiment that trained it.
        stage: Its name there.
        part: 1, 2 or 3.
        task: Its task.
        data: Its data sets in words.
        classes: Class names; a label's number is its place here. Of a diagnosis: the rest and the
            positive class, or every class (multi-class).
        positive: The class that metrics count as positive; None of a multi-class diagnosis.
        counts: Images of each split.
        patients: How many patients they are of.
        notes: What a reader should know of the data and the training.
        settings: The stage's settings without its data.
        backbone: The settings of the network.
        facts: What the LightningModule was told of its images; see `Task.facts`.
        batch_size: Images per step, as trained.
        epochs: How many were trained.
        seconds: Training time.
        images_per_second: Through the whole training loop.
        peak_memory_mb: Largest memory in 10^6 bytes.
        metric: `name` and `value` of the logged value that stands for the stage.
        identity: What the fingerprint hashes.
        trainer: Where it was trained: accelerator, processes, threads, precision.
        finished: When, in UTC.
        versions: Of Python and the libraries.
        commit: Of matl's checkout, with a plus sign where files differed from it.
        machine: `system`, `device` and `cores`.
        wandb: Id of the W&B run.
        sha256: Digest of each file beside the manifest.
        levels: The values that became black and white, by the unit of images of more than 8 bits
            ("HU" or "grey"), as `data_modules.formats.places` writes them.
        spacing: Millimetres per pixel that all images were looked at with; None where they were
            fitted whatever their spacing.
    """

    format: int
    fingerprint: str
    parent: str | None
    experiment: str
    stage: str
    part: int
    task: str
    data: str
    classes: list[str]
    positive: str | None
    counts: dict[str, int]
    patients: int
    notes: list[str]
    settings: dict[str, Any]
    backbone: dict[str, Any]
    facts: dict[str, Any]
    batch_size: int
    epochs: int
    seconds: float
    images_per_second: float
    peak_memory_mb: float
    metric: dict[str, Any]
    identity: dict[str, Any]
    trainer: dict[str, Any]
    finished: str
    versions: dict[str, str]
    commit: str | None
    machine: dict[str, Any]
    wandb: str | None
    sha256: dict[str, str] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    spacing: float | None = None


def read_manifest(folder: Path) -> StageManifest:
    """The manifest in the folder of a finished stage.

    Raises:
        FileNotFoundError: There is none.
        MatlError: It is damaged, or of an older version of matl.
    """
    try:
        content = read_whole(folder / MANIFEST)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MatlError(f"{folder}: is damaged: {MANIFEST}: {error.strerror}") from error
    try:
        return typed(StageManifest, unsealed(content))
    except ValueError as error:
        if (other := _other_format(content)) is not None:
            raise MatlError(
                f"{folder}: was trained by another version of matl: its manifest has the format "
                f"{other}, and this one reads {FORMAT} alone; it is not reused"
            ) from error
        raise MatlError(f"{folder}: is damaged: {MANIFEST}: {error}") from error


def write_manifest(manifest: StageManifest, folder: Path) -> None:
    """Writes a manifest into the folder of a stage."""
    (folder / MANIFEST).write_bytes(sealed(asdict(manifest)))


def _other_format(content: bytes) -> object:
    """The format of a manifest that another version wrote, and None where it is no such file."""
    try:
        values = read_json(content)
    except ValueError:
        return None
    if not isinstance(values, dict) or "fingerprint" not in values:
        return None
    found = values.get("format", 1)
    return None if found == FORMAT else found
