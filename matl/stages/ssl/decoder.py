"""A light decoder over a backbone's feature maps, for methods that restore images."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from timm.layers import ConvNormAct
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_WIDTH = 8


class Decoder(nn.Module):
    """From the coarsest map to pixels, doubling the size and adding the map of each stride.

    In the manner of the U-Net (https://arxiv.org/abs/1505.04597), with the widths of SparK's
    decoder (https://arxiv.org/abs/2301.03580): each halving of the stride halves the width.

    Args:
        channels: Channels of the maps by stride, powers of two.
        width: Channels at the coarsest stride.
        outputs: Channels of the image.
    """

    def __init__(self, channels: Mapping[int, int], width: int, outputs: int) -> None:
        super().__init__()
        last = max(channels)
        strides = [last >> step for step in range(last.bit_length())]  # last, last / 2 ... 1
        widths = [max(width >> step, LEAST_WIDTH) for step in range(len(strides))]
        self.strides = strides
        self.laterals = nn.ModuleDict(
            {
                str(stride): nn.Conv2d(channels[stride], own, 1)
                for stride, own in zip(strides, widths, strict=True)
                if stride in channels
            }
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(ConvNormAct(coarser, own, 3), ConvNormAct(own, own, 3))
            for coarser, own in pairwise(widths)
        )
        self.pixels = nn.Conv2d(widths[-1], outputs, 1)

    def forward(self, maps: Mapping[int, Tensor], size: Sequence[int]) -> Tensor:
        """An image [B, outputs, H, W] of feature maps.

        Args:
            maps: [B, channels[s], ~H/s, ~W/s] of each stride s.
            size: H and W.
        """
        first, *finer = self.strides
        x = self.laterals[str(first)](maps[first])
        for stride, block in zip(finer, self.blocks, strict=True):
            known = maps.get(stride)
            shape = [-(-side // stride) for side in size] if known is None else known.shape[2:]
            x = block(F.interpolate(x, tuple(shape)))
            if known is not None:
                x = x + self.laterals[str(stride)](known)
        return self.pixels(x)
