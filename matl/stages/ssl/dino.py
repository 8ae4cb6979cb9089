"""The method `dino`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from matl.errors import SettingError
from matl.stages.settings import setting
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.stage import MethodStage


@dataclass
class DINOConfig(LungSSLConfig):
    """Settings of `dino`.

    Attributes:
        temperature: What the student's outputs are divided by.
        teacher_temperature: What the teacher's outputs are divided by after its warm-up.
        first_temperature: What the teacher's outputs are divided by in the first epoch.
        temperature_warmup: Share of the epochs in which the teacher's temperature rises.
        momentum: The share of itself that the teacher keeps at the first step; it rises to 1 by a
            cosine.
        centre_momentum: The share of itself that the centre of the teacher's outputs keeps.
        prototypes: Number of outputs.
        bottleneck: Width of the projection before the last layer.
        frozen_epochs: Epochs at the start in which the last layer is not trained.
    """

    temperature: float = setting(0.1, above=0.0)
    teacher_temperature: float = setting(0.07, above=0.0)
    first_temperature: float = setting(0.04, above=0.0)
    temperature_warmup: float = setting(0.1, least=0.0, most=1.0, unit="share of the epochs")
    momentum: float = setting(0.996, least=0.0, most=1.0)
    centre_momentum: float = setting(0.9, least=0.0, most=1.0)
    prototypes: int = setting(1024, least=2)
    bottleneck: int = setting(256, least=2, unit="features")
    frozen_epochs: int = setting(1, least=0, unit="epochs")


class DINO(Method):
    """Each view predicts a momentum teacher's centred, sharpened outputs of its other view.

    No multi-crop: all methods have the same two views. 1,024 outputs in the place of 65,536, which
    would be dozens for each scan; hidden layers as wide as the features, as the paper's 2,048 are
    of ResNet-50. The teacher's temperature rises over 30 of 300 epochs. Weight decay stays the one
    that all methods share. There are no negatives.
    """

    settings = DINOConfig
    VERSION: ClassVar[int] = 1
    teacher = ("projection",)
    paper = "https://arxiv.org/abs/2104.14294"
    assumes = "nothing of other scans; the centre and the sharpening keep it from collapse"
    passes = (2, 2)
    unused_parameters: ClassVar[bool] = True  # while the last layer is frozen
    metric_names = ("retrieval", "teacher/entropy")

    @classmethod
    def check_settings(cls, config: DINOConfig, strides: Sequence[int]) -> None:
        """The teacher's temperature must not fall."""
        if config.first_temperature > config.teacher_temperature:
            message = f"{config.first_temperature} is above teacher_temperature, which it rises to"
            raise SettingError(["first_temperature"], message)

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: DINOConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A projection whose last layer holds prototypes of length 1, and the loss's centre."""
        import warnings

        import torch
        from lightly.loss import DINOLoss
        from lightly.models.modules.heads import DINOProjectionHead

        width = backbone.num_features
        with warnings.catch_warnings(), torch.no_grad():  # else it could not be copied
            warnings.simplefilter("ignore", FutureWarning)  # of torch's older weight_norm
            projection = DINOProjectionHead(width, width, config.bottleneck, config.prototypes)
        return {
            "projection": projection,
            "loss": DINOLoss(
                config.prototypes,
                student_temp=config.temperature,
                center_momentum=config.centre_momentum,
            ),
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Cross-entropy of the student's outputs and the teacher's of the other view."""
        from matl.stages.ssl.measures import flatness, retrieval, spread

        config, views = cast("DINOConfig", stage.config), stage.views(batch)
        projection, criterion = (cast("Any", stage.heads[name]) for name in ("projection", "loss"))
        projection.last_layer.weight_v.requires_grad_(stage.current_epoch >= config.frozen_epochs)
        outputs = [stage.project(view) for view in views]
        targets = [stage.teach(view) for view in views]
        temperature = cls.teacher_temperature(config, stage.current_epoch)
        with stage.in_float32():
            centred = (targets[0] - criterion.center[0]) / temperature
            loss = criterion(targets, outputs, temperature)
            stage.record("retrieval", retrieval(outputs[0], targets[1]), batch)
            stage.record("teacher/entropy", flatness(centred), batch)
        stage.record("spread", spread(outputs[0]), batch)
        return loss

    @classmethod
    def teacher_temperature(cls, config: DINOConfig, epoch: int) -> float:
        """What the teacher's outputs are divided by in an epoch."""
        from lightly.utils.scheduler import linear_warmup_schedule

        warmup = round(config.temperature_warmup * config.epochs)
        return linear_warmup_schedule(
            epoch, warmup, config.first_temperature, config.teacher_temperature
        )

    @classmethod
    def keep(cls, config: DINOConfig, step: int, steps: int) -> float:
        """Rises from `momentum` to 1 by a cosine."""
        from lightly.utils.scheduler import cosine_schedule

        return cosine_schedule(step, steps, config.momentum, 1.0)
