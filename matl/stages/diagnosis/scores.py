"""The scores of an image, over the views that `tta` asks for."""

from collections.abc import Callable

import torch
from torch import Tensor

from matl.stages.base import Stage
from matl.stages.diagnosis.task import DiagnosisConfig
from matl.views import evaluation_views


def mean_scores(
    stage: Stage, batch: dict[str, Tensor], score: Callable[[Tensor], Tensor]
) -> Tensor:
    """The mean over the views of each image.

    Args:
        stage: Whose `fitting` and `tta` are asked.
        batch: `image` and `extent`; see `Stage.loss`.
        score: Gives the probabilities of images float [B, C, h, w] in [0, 1].
    """
    assert isinstance(stage.config, DiagnosisConfig)
    views = evaluation_views(batch["image"], stage.fitting, stage.config.tta, batch.get("extent"))
    return torch.stack([score(view) for view in views]).mean(0)
