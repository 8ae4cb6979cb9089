"""Runs a network on visible patches alone, as SparK does (https://arxiv.org/abs/2301.03580).

The layers stay in place with their weights; for a pass, what they do with places is changed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import trunc_normal_
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from matl.backbones import AttentiveBackbone
from matl.backbones.operators import SelfAttention
from matl.stages.ssl.decoder import Decoder

MIXING = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
"""Layers that carry values from place to place; norms over a batch do so, too."""


class Visible:
    """Which patches of a batch can be seen, and so which places of its feature maps.

    Args:
        patches: bool [B, 1, h, w], one or more in each image.
    """

    def __init__(self, patches: Tensor) -> None:
        self.patches = patches
        self._known: dict[torch.Size, tuple[Tensor, Tensor]] = {}

    def places(self, x: Tensor) -> Tensor:
        """The visible places of a map [B, C, H, W], bool [B, 1, H, W]."""
        return self._at(x)[0]

    def over_visible(self, dense: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Applies a norm to the visible places of [B, C, H, W]; the others are 0."""
        rows = self._at(x)[1]
        flat = x.permute(0, 2, 3, 1).flatten(0, 2)  # [B * H * W, C]
        seen = dense(flat.index_select(0, rows)[..., None, None])[..., 0, 0]
        filled = seen.new_zeros(len(flat), seen.shape[1]).index_copy(0, rows, seen)
        return filled.unflatten(0, (len(x), *x.shape[2:])).permute(0, 3, 1, 2)

    def _at(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The visible places of a map, and their numbers, row by row through the batch."""
        size = x.shape[2:]
        if size not in self._known:
            finer = size[0] // self.patches.shape[2]
            places = self.patches.repeat_interleave(finer, 2).repeat_interleave(finer, 3)
            self._known[size] = places, places.flatten().nonzero().squeeze(1)
        return self._known[size]


@contextmanager
def hiding(network: nn.Module, visible: Visible) -> Iterator[None]:
    """Within this, the layers of a network neither take from hidden places nor leave values there.

    What convolutions and poolings return is 0 at hidden places; batch norms count visible places
    alone, in their running statistics too; attention takes from visible places. Parameters, buffers
    and their names stay what they are. The network must be one in which `find_unmaskable` finds
    nothing, and be given images that are 0 at hidden places.
    """
    changed = []
    try:
        for layer in network.modules():
            if (forward := _forward(layer, visible)) is not None:
                layer.forward = forward
                changed.append(layer)
        yield
    finally:
        for layer in changed:
            del layer.forward


def _forward(layer: nn.Module, visible: Visible) -> Callable[[Tensor], Tensor] | None:
    """What a layer does in a masked pass, None where that is what it always does."""
    dense = layer.forward
    if isinstance(layer, _BatchNorm):
        return partial(visible.over_visible, dense)
    if isinstance(layer, SelfAttention):
        return lambda x: dense(x, keys=visible.places(x))
    if isinstance(layer, MIXING):
        return partial(_hide, dense, visible)
    return None


def _hide(dense: Callable[[Tensor], Tensor], visible: Visible, x: Tensor) -> Tensor:
    returned = dense(x)
    return returned * visible.places(returned)


def masked_maps(backbone: AttentiveBackbone, images: Tensor, visible: Visible) -> dict[int, Tensor]:
    """The feature maps of the visible patches of images, 0 at hidden places.

    Args:
        backbone: One in whose network `find_unmaskable` finds nothing.
        images: float [B, C, H, W] in [0, 1], of whole patches.
        visible: Their patches.
    """
    shown = torch.where(visible.places(images), images, backbone.network.mean)  # 0 once normalised
    with hiding(backbone, visible):
        return backbone.forward(shown)  # a compiled backbone would not see the changed layers


class PatchRestorer(nn.Module):
    """Fills the hidden places of feature maps with a learned token each, and decodes them.

    Args:
        channels: Channels of the maps by stride.
        width: The decoder's width at the coarsest map.
        outputs: Channels of the image.
    """

    def __init__(self, channels: Mapping[int, int], width: int, outputs: int) -> None:
        super().__init__()
        self.norms = nn.ModuleDict({str(at): nn.BatchNorm2d(own) for at, own in channels.items()})
        tokens = {str(at): nn.Parameter(torch.empty(own)) for at, own in channels.items()}
        self.tokens = nn.ParameterDict(tokens)
        for token in self.tokens.values():
            trunc_normal_(token, std=0.02)
        self.decoder = Decoder(channels, width, outputs)

    def forward(self, maps: Mapping[int, Tensor], visible: Visible, size: Sequence[int]) -> Tensor:
        """Pixels [B, outputs, H, W] of what `masked_maps` returned for images of that size."""
        return self.decoder(self.fill(maps, visible), size)

    def fill(self, maps: Mapping[int, Tensor], visible: Visible) -> dict[int, Tensor]:
        """The maps, each normalised over its visible places and with tokens at the others."""
        filled = {}
        with hiding(self.norms, visible):
            for stride, x in maps.items():
                token = self.tokens[str(stride)][:, None, None]
                normed = self.norms[str(stride)](x)
                filled[stride] = torch.where(visible.places(x), normed, token.to(normed.dtype))
        return filled


def patch_error(restored: Tensor, images: Tensor, visible: Visible) -> tuple[Tensor, Tensor]:
    """How far hidden patches are from the images' own, which are normalised patch by patch.

    Args:
        restored: float [B, C, H, W].
        images: float32 [B, C, H, W].
        visible: Their patches; as many are hidden in each image.

    Returns:
        The mean squared error over the pixels of hidden patches, and that of a restoration which
        knows each patch's mean alone; float32 scalars.
    """
    side, hidden = images.shape[2] // visible.patches.shape[2], ~visible.patches
    restored, pixels = (F.pixel_unshuffle(x.float(), side) for x in (restored, images))
    variance, mean = torch.var_mean(pixels, dim=1, keepdim=True)
    target = (pixels - mean) / (variance + 1e-6).sqrt()  # [B, C * side * side, h, w]
    squares = ((restored - target) ** 2, target**2)
    error, of_mean = ((square.mean(dim=1, keepdim=True) * hidden).sum() for square in squares)
    return error / hidden.sum(), of_mean / hidden.sum()
