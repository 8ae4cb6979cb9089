"""The whole of a diagnosis as one graph: fit, normalisation, network and head."""

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from matl.export.fit import Fit
from matl.stages.diagnosis.task import DiagnosisConfig
from matl.trained import TrainedModel

INPUT = "images"
OUTPUTS = ("logits", "probabilities")
MEANING = "grey levels 0 to 255"
MEANING_OF_COLOUR = "red, green and blue, 0 to 255 each"


class Graph(nn.Module):
    """Scores whole images of one size, as `TrainedModel.read` and `scores` do those of files.

    Args:
        model: A diagnosis.
    """

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        config = model.config
        self.fit = Fit(model.stage.fitting, views_of(config))
        self.stage = model.stage
        self.several = model.positive is None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and probabilities of a batch.

        Args:
            images: float [B, C, H, W] in 0 to 255, any B, H and W.

        Returns:
            Both float32, [B] of the positive class, or [B, classes] of a multi-class diagnosis;
            each is the mean over the views that an image is scored in.
        """
        logits = torch.stack([self.stage(view).float() for view in self.fit(images)])
        probabilities = logits.softmax(-1) if self.several else logits.sigmoid()
        return logits.mean(0), probabilities.mean(0)


def views_of(config: object) -> str:
    """The test-time views of a diagnosis; a task of one's own may know none."""
    return config.tta if isinstance(config, DiagnosisConfig) else "none"


def meaning(model: TrainedModel) -> str:
    """What the numbers of the graph's images are."""
    return MEANING if model.channels == 1 else MEANING_OF_COLOUR


def example_images(model: TrainedModel) -> Tensor:
    """A batch that a graph is traced with; its shape is part of no graph."""
    height, width = model.size
    return torch.zeros(2, model.channels, 2 * height + 1, 2 * width + 3)


def trace(model: TrainedModel) -> ExportedProgram:
    """The graph as torch.export keeps it, its batch, height and width dynamic."""
    dynamic = {0: Dim("batch", min=1), 2: Dim("height", min=1), 3: Dim("width", min=1)}
    with torch.no_grad():
        return torch.export.export(
            Graph(model).eval(),
            (example_images(model),),
            dynamic_shapes={INPUT: dynamic},
            strict=False,
        )
