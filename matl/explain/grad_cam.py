"""Where a network sees evidence for the positive class."""

import copy
from collections.abc import Iterable, Iterator

from monai.visualize import GradCAM
from torch import Tensor, nn


class _OneLogit(nn.Module):
    """Gives the logits of a diagnosis, [B], as MONAI wants them: [B, 1]."""

    def __init__(self, diagnosis: nn.Module) -> None:
        super().__init__()
        self.diagnosis = diagnosis

    def forward(self, images: Tensor) -> Tensor:
        return self.diagnosis(images).unsqueeze(1)


def grad_cam_maps(diagnosis: nn.Module, layer: str, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """Grad-CAM of the logit of the positive class, by MONAI.

    Selvaraju et al., "Grad-CAM", https://arxiv.org/abs/1610.02391: the channels of a layer's map,
    summed with the weights of the logit's mean gradient; what speaks against the class is 0.

    Args:
        diagnosis: gives logits [B] of images [B, C, H, W]; it is not changed.
        layer: the name of one of its modules, which returns a map [B, channels, h, w].
        batches: images as the diagnosis takes them.

    Yields:
        float32 [B, h, w] of each batch, at least 0; all 0 where no place speaks for the class.
    """
    network = _OneLogit(copy.deepcopy(diagnosis)).eval()  # MONAI's hooks stay on what it is given
    cam = GradCAM(network, f"diagnosis.{layer}")
    for images in batches:
        # A gradient of the images is asked for, so that there is one within frozen layers too.
        yield cam.compute_map(images.detach().requires_grad_(), class_idx=0).squeeze(1).detach()
