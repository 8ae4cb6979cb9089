"""A finished stage as an object: it needs neither its data nor its labels nor its experiment."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import Tensor

from data_modules.errors import first_line
from data_modules.fit import BEFORE_FIT
from data_modules.formats.images import DEFAULTS, read_image
from data_modules.formats.places import Levels, levels_of
from data_modules.ragged import Ragged
from matl.backbones import AttentiveBackbone, BackboneConfig, build_backbone, load_state
from matl.backbones import read_weights as read_file
from matl.errors import MatlError, SettingError
from matl.files import file_digest
from matl.manifest import StageManifest, read_manifest
from matl.names import BACKBONE, HEADS
from matl.stages.base import Stage
from matl.stages.registry import find_task, task_of
from matl.stages.scorer import Scorer
from matl.stages.settings import StageConfig, size_pair


@dataclass(frozen=True)
class TrainedModel:
    """The network and the heads of a finished stage, and what they expect and mean.

    Attributes:
        stage: The LightningModule in evaluation mode: `stage.backbone`, `stage.heads`.
        config: The settings that it was trained with; its `data` is the default, not what it saw.
        manifest: What is known of its training.
    """

    stage: Stage
    config: StageConfig
    manifest: StageManifest

    @property
    def backbone(self) -> AttentiveBackbone:
        """The shared network."""
        return self.stage.backbone

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names: of a diagnosis the rest and the positive class, or every class."""
        return tuple(self.manifest.classes)

    @property
    def positive(self) -> str | None:
        """The class that a score is the probability of; None where there is one of each class."""
        return self.manifest.positive

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels that the network looks at."""
        return size_pair(self.config.size)

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return self.backbone.in_channels

    @property
    def levels(self) -> Mapping[str, Levels]:
        """The grey levels that its images were read at, by unit."""
        own = {unit: levels_of(text) for unit, text in self.manifest.levels.items()}
        return own or DEFAULTS

    def read(self, paths: Sequence[str | Path]) -> dict[str, Tensor]:
        """Reads image files as the stage read its own: size, fit, window, range and spacing.

        A slice of a volume is named as in `scan.nii.gz#012`.

        Returns:
            `image` uint8 [B, channels, H, W], padded to the largest of them, and `extent` int64
            [B, 2], height and width of each.

        Raises:
            MatlError: No file is named, or a single path that is in no list.
            Exception: Of whatever kind the reader of a format raises for a damaged file.
        """
        if isinstance(paths, str | Path) or not len(paths):
            raise MatlError(f"read: takes a list of one path and more, not {paths!r}")
        how = (self.size, self.channels, self.config.fit, self.levels, self.manifest.spacing)
        return as_batch([read_image(path, *how)[0] for path in paths])

    @property
    def diagnoses(self) -> bool:
        """Whether the stage scores images."""
        return task_of(self.config).diagnoses and isinstance(self.stage, Scorer)

    def scores(self, batch: dict[str, Tensor]) -> Tensor:
        """Probabilities of the positive class, float32 [B], of what `read` returned.

        Of a multi-class diagnosis float32 [B, classes], in the order of `classes`.

        Raises:
            MatlError: The stage is no diagnosis.
        """
        if not (self.diagnoses and isinstance(self.stage, Scorer)):
            raise MatlError(f"{self.manifest.stage}: is no diagnosis, so it scores no image")
        with torch.no_grad():
            return self.stage.scores(batch)


def as_batch(images: Sequence[np.ndarray]) -> dict[str, Tensor]:
    """Images as a stage takes them.

    Args:
        images: uint8 [channels, height, width], each of a size of its own.

    Returns:
        What `TrainedModel.read` returns.
    """
    ragged = Ragged.of(images)
    return {
        "image": torch.from_numpy(ragged.padded(np.arange(len(ragged)))),
        "extent": torch.from_numpy(ragged.shapes[:, 1:]),
    }


def load_trained(folder: str | Path) -> TrainedModel:
    """Loads a finished stage from its folder in a store, or from a copy of that folder.

    Args:
        folder: Holds the manifest and the weights of the network and the heads.

    Raises:
        MatlError: The folder holds no finished stage, or one that is damaged or of another version.
    """
    folder = Path(folder)
    try:
        manifest = read_manifest(folder)
    except OSError as error:
        raise MatlError(f"{folder}: holds no finished stage ({error.strerror})") from error
    for name in (BACKBONE, HEADS):
        path = folder / name
        if not path.is_file() or file_digest(path) != manifest.sha256.get(name):
            raise MatlError(f"{path}: is damaged: its SHA-256 is not that of the manifest")
    with _as_today(folder):
        config = _settings(manifest.settings)
        backbone = BackboneConfig(**manifest.backbone)
        stage = rebuild(backbone, config, manifest.facts, folder)
    return TrainedModel(stage, config, manifest)


@contextmanager
def _as_today(folder: Path) -> Iterator[None]:
    """Says in one line that a stage does not fit its task's code, which has changed since."""
    try:
        yield
    except SettingError as error:
        raise MatlError(f"{folder}: {error}") from error
    except MatlError:
        raise
    except Exception as error:
        raise MatlError(
            f"{folder}: does not fit today's code of its task ({first_line(error)}); use the code "
            "that trained it, or train it again"
        ) from error


def rebuild(
    backbone: BackboneConfig, config: StageConfig, facts: Mapping[str, Any], folder: Path
) -> Stage:
    """A trained LightningModule in evaluation mode, from the weights in a folder.

    Args:
        backbone: The settings of the network.
        config: The stage's settings.
        facts: What its task said of its images; see `Task.facts`.
        folder: Holds the weights of the network and the heads.

    Raises:
        MatlError: A file is missing or does not fit the network.
    """
    network = load_backbone(backbone, folder / BACKBONE)
    stage = task_of(config).stage_class(facts)(network, config, 0, **facts)
    heads, _ = read_file(folder / HEADS)
    stage.heads.load_state_dict(heads)
    return stage.eval()


def load_backbone(settings: BackboneConfig, weights: Path) -> AttentiveBackbone:
    """The network with the weights that a stage left.

    Raises:
        MatlError: The weights do not fit the network.
    """
    backbone = build_backbone(replace(settings, weights=None), seed=0)
    state, _ = read_file(weights)
    load_state(backbone, state, heads=()).raise_if_bad()
    return backbone


def _settings(stored: Mapping[str, Any]) -> StageConfig:
    schema = OmegaConf.structured(find_task(stored).settings)
    schema.merge_with(OmegaConf.create({"fit": BEFORE_FIT, **stored}))
    return OmegaConf.to_object(schema)  # type: ignore[return-value]
