"""Small stages of the self-supervised methods that stand in one file, and scans for them."""

from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone, BackboneConfig, build_backbone
from matl.stages.ssl.method import Method
from matl.stages.ssl.stage import MethodStage
from matl.stages.ssl.task import METHODS, LungSSL

IMAGES = 64
"""So many that a queue of a quarter holds one batch."""
SCANS = 16
OWN_FILE = [name for name in METHODS if issubclass(LungSSL.chosen({"method": name}), Method)]
SMALL: dict[str, dict[str, object]] = {
    "vicreg": {"projection": 64},
    "swav": {"prototypes": 12},
    "dino": {"prototypes": 64, "bottleneck": 16},
    "jigsaw": {"size": 114, "permutations": 8, "width": 64},
    **{name: {"size": 32} for name in ("rotation", "restoration")},
}


def build(
    name: str,
    seed: int = 0,
    network: str = "test_resnet",
    kind: type[MethodStage] = MethodStage,
    **settings: object,
) -> MethodStage:
    """A small stage of a method: its defaults, but where `SMALL` or `settings` say otherwise."""
    method = LungSSL.chosen({"method": name})
    wanted = {"part": 3, "task": "lung_ssl", "method": name, "epochs": 6, "batch_size": SCANS}
    config = method.settings(**wanted | {"size": 64} | SMALL.get(name, {}) | settings)
    backbone = build_backbone(BackboneConfig(name=network), seed)
    return kind(backbone, config, seed, images=IMAGES)


class Brightness(Method):
    """Learns how bright a view is: a method from outside matl, in one class."""

    VERSION = 1
    metric_names = ("loss",)

    @classmethod
    def heads(
        cls, backbone: AttentiveBackbone, config: object, images: int
    ) -> dict[str, nn.Module]:
        return {"mean": nn.Linear(backbone.num_features, 1)}

    @classmethod
    def loss(cls, stage: MethodStage, batch: dict[str, Tensor]) -> Tensor:
        (view,) = stage.views(batch, count=1)
        found = stage.heads["mean"](stage.features(view)).squeeze(1)
        return (found - view.mean((1, 2, 3))).square().mean()


class Later(MethodStage):
    """A stage that is in its fourth epoch: queues are in use, and nothing is frozen any more."""

    current_epoch = 3  # type: ignore[assignment]


def scans(count: int = SCANS, seed: int = 3) -> dict[str, Tensor]:
    """Blobs at random places on a dark ground, each scan its own."""
    draw = torch.Generator().manual_seed(seed)
    line = torch.linspace(-1, 1, 64)
    x, y = torch.meshgrid(line, line, indexing="xy")
    image = torch.zeros(count, 1, 64, 64)
    for _ in range(5):
        place = 1.6 * torch.rand(2, count, 1, 1, 1, generator=draw) - 0.8
        width = 0.1 + 0.3 * torch.rand(count, 1, 1, 1, generator=draw)
        image += torch.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / width**2)
    return {
        "image": (image.clamp(0, 1) * 255).to(torch.uint8),
        "index": torch.arange(count),
        "group": torch.arange(count) // 2,
    }


def two_views(count: int = 4, seed: int = 3) -> dict[str, Tensor]:
    """A batch of scans with two views of each, `first` and `second`, float32 [B, 1, 64, 64]."""
    batch = scans(count, seed)
    first = batch["image"].float() / 255
    return batch | {"first": first, "second": first.roll(6, dims=3) * 0.9}


def show_these_views(stage: MethodStage) -> MethodStage:
    """Makes a stage look at the two views of its batch, in evaluation mode: nothing is random."""
    stage.views = lambda batch: [batch["first"], batch["second"]]  # type: ignore[method-assign]
    return stage.eval()


def move_teacher(stage: MethodStage) -> None:
    """Moves a teacher away from what it follows."""
    draw = torch.Generator().manual_seed(9)
    for parameter in stage.teacher.parameters():
        parameter += 0.05 * torch.randn(parameter.shape, generator=draw)


class Repeated(torch.utils.data.Dataset[dict[str, Tensor]]):
    """The same batch at every step."""

    def __init__(self, batch: dict[str, Tensor], steps: int) -> None:
        self.batch, self.steps = batch, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, at: int) -> dict[str, Tensor]:
        if at >= self.steps:
            raise IndexError
        return self.batch


def fit(
    stage: MethodStage,
    epochs: int,
    steps: int = 1,
    resume: Path | None = None,
    callbacks: Sequence[pl.Callback] = (),
) -> pl.Trainer:
    """Trains on the CPU, so many steps an epoch."""
    trainer = pl.Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = torch.utils.data.DataLoader(Repeated(scans(), steps), batch_size=None)
    trainer.fit(stage, loader, ckpt_path=resume, weights_only=True)
    return trainer


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}
