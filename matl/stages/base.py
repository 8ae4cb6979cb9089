"""What every stage of the chain shares: seeding, the step, optimizer and schedule."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from timm.optim import create_optimizer_v2
from torch import Tensor, nn
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
)

from matl.backbones import AttentiveBackbone, Operator
from matl.seeding import derive, generator
from matl.stages.rates import parameter_groups
from matl.stages.settings import StageConfig, size_pair
from matl.views import WHOLE, Fitting, Share, View, ViewConfig, plain_view, random_view


class Stage(pl.LightningModule):
    """One training step of the chain: a task on the shared backbone.

    Subclasses implement `loss`. All randomness of a step is a function of (seed, task, epoch,
    step), so a resumed stage continues exactly, and a stage sees the same batches and views
    whatever was trained before it, on however many processes. Only drop-path, dropout and mixup
    are drawn by each process for itself.

    Attributes:
        backbone: The network that travels on to the next stage.
        heads: What the task adds to it; they are kept with the stage and never travel.
    """

    heads: nn.ModuleDict

    def __init__(self, backbone: AttentiveBackbone, config: StageConfig, seed: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.config = config
        self.seed = seed
        self._batch_index = 0
        self._recorded: dict[str, tuple[Tensor | float, int]] = {}
        if config.freeze != "none":
            backbone.freeze(backbone.last_stride if config.freeze == "all" else config.freeze)

    @abstractmethod
    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Loss of one batch, a scalar; the parts of it are logged.

        Args:
            batch: `image` uint8 [B, C, H, W], `label`, `index` and `group` int64 [B], the arrays
                that the stage derives from the images, and `extent` int64 [B, 2] where images do
                not fill their places: see `ImageDataModule`.
        """

    def features(self, images: Tensor) -> Tensor:
        """The last map's mean over all places, [B, num_features], of images in [0, 1]."""
        return list(self.backbone(images).values())[-1].mean((2, 3))

    def on_train_batch_start(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Seeds what draws from the global generators: drop-path and mixup."""
        self._batch_index = batch_idx
        words = derive(self.seed, self.config.task, "step", *self._place(), self.global_rank)
        torch.manual_seed(words)
        np.random.seed(words % 2**32)  # noqa: NPY002 - timm's mixup draws from numpy's global state

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Compute the loss of a batch, and record it with the operators' gates."""
        loss = self.loss(batch)
        self.record("loss", loss, batch)
        for stride, operator in self._operators():
            self.record(f"gate/{stride}", operator.gate.float().abs().mean(), batch)
            self.record(f"contribution/{stride}", operator.contribution.float(), batch)
        return loss

    def _operators(self) -> Iterator[tuple[str, Operator]]:
        """The operators that are trained, by stride."""
        for stride, operator in self.backbone.operators.items():
            assert isinstance(operator, Operator)
            if operator.training:
                yield stride, operator

    def record(self, name: str, value: Tensor, batch: dict[str, Tensor]) -> None:
        """Adds a value of a training step to its mean over the epoch, weighted by images.

        Lightning's own mean costs several times as much a step.
        """
        images = len(batch["image"])
        total, seen = self._recorded.get(name, (0.0, 0))
        self._recorded[name] = (total + value.detach() * images, seen + images)

    def on_train_batch_end(self, outputs: Any, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Logs what was recorded, in the epoch's last batch."""
        if not self.trainer.is_last_batch:
            return
        for name, (total, seen) in self._recorded.items():
            self.log(
                name, total / seen, on_step=False, on_epoch=True, sync_dist=True, batch_size=seen
            )
        self._recorded.clear()

    def view_generator(self) -> torch.Generator:
        """Generator of this step's random views (CPU), the same on all processes."""
        return generator(self.seed, self.config.task, "views", *self._place(), 0)

    @property
    def fitting(self) -> Fitting:
        """What the stage looks at: the size of a view, and how an image fits it."""
        return Fitting(size_pair(self.config.size), self.config.fit)

    def plain_view(self, batch: dict[str, Tensor]) -> Tensor:
        """A batch's images as they are evaluated, float32 [B, C, h, w] in [0, 1]."""
        return plain_view(batch["image"], self.fitting, batch.get("extent")).image

    def draw_view(
        self,
        batch: dict[str, Tensor],
        config: ViewConfig,
        generator: torch.Generator | None = None,
        fitting: Fitting | None = None,
    ) -> View:
        """A random view of a batch; a process draws the global batch's and takes its own part."""
        generator, fitting = generator or self.view_generator(), fitting or self.fitting
        extent = batch.get("extent")
        return random_view(batch["image"], config, generator, fitting, extent, self.share)

    @property
    def share(self) -> Share:
        """The part of the global batch that this process trains on."""
        trainer = attached_trainer(self)
        return Share(trainer.global_rank, trainer.world_size) if trainer else WHOLE

    def _steps(self) -> int:
        """Optimizer steps of the whole stage.

        Counted here where matl's own data module feeds the stage: Lightning's
        `estimated_stepping_batches` sets the loader up too early to get its state back from a
        checkpoint.
        """
        data: Any = getattr(self.trainer, "datamodule", None)
        if data is None:
            return int(self.trainer.estimated_stepping_batches)
        return -(-len(data.train_dataloader()) // self.config.accumulate) * self.config.epochs

    def _place(self) -> tuple[int, int]:
        return self.current_epoch, self._batch_index

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, SGD or any other optimizer of timm; no weight decay on biases, norms and gates."""
        groups = parameter_groups(self, self.config)
        optimizer = create_optimizer_v2(groups, opt=self.config.optimizer, lr=self.config.lr)
        scheduler = schedule(optimizer, self.config, self._steps())
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def schedule(optimizer: torch.optim.Optimizer, config: StageConfig, steps: int) -> LRScheduler:
    """Linear warm-up over `warmup` of all steps, then cosine decay to zero, or a constant rate."""
    warmup = round(config.warmup * steps)
    rest: LRScheduler
    if config.schedule == "cosine":
        rest = CosineAnnealingLR(optimizer, T_max=max(steps - warmup, 1))
    else:
        rest = ConstantLR(optimizer, factor=1.0, total_iters=0)
    if warmup == 0:
        return rest
    start = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [start, rest], milestones=[warmup])


def attached_trainer(module: pl.LightningModule) -> pl.Trainer | None:
    """The trainer of a module, None where it has none: Lightning's own property would raise."""
    return module._trainer


def class_weights(counts: Sequence[int], images: int, multi_label: bool) -> Tensor:
    """Weights that balance the classes by their training frequency, float32 [classes].

    Args:
        counts: Training images of each class.
        images: Training images in all.
        multi_label: Whether an image may have several classes: the weights are then negatives /
            positives of each class; else they have mean 1 over the images.
    """
    own = torch.tensor(counts, dtype=torch.float32)
    if multi_label:
        return (images - own) / own.clamp(min=1)
    return images / (len(counts) * own.clamp(min=1))
