"""What is inserted into the network: self-attention, and its fair convolutional control.

Both are one residual bottleneck, x + gate * expand(gelu(mixed_norm(mix(reduce(norm(x)))))), and
differ in `mix` alone: multi-head self-attention (3 w² parameters at width w) or a grouped 5 x 5
convolution (25/8 w²). Weights start so that a layer keeps the variance of its input, and
`mixed_norm` takes out what `mix` does to it: an average over many places is small, so that without
it attention would start with a fraction of the control's contribution, the less the larger the map.
"""

from collections.abc import Callable
from functools import cache

import torch
from timm.layers import DropPath, LayerNorm2d
from timm.layers.pos_embed_sincos import apply_rot_embed_cat, build_rotary_pos_embed
from torch import Tensor, nn
from torch.nn import functional as F

HEAD_WIDTH = 32
KERNEL, GROUPS = 5, 8
GATE_FROM_SCRATCH = 0.1
ROTARY_TEMPERATURE = 100.0


def operator_width(channels: int) -> int:
    """The bottleneck's width: near 5 times the root of `channels`, in two or more whole heads."""
    return HEAD_WIDTH * max(2, round(5 * channels**0.5 / HEAD_WIDTH))


class VarianceKeepingConv2d(nn.Conv2d):
    """A convolution without bias whose initial weights have the variance 1 / fan-in."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)

    def reset_parameters(self) -> None:
        """Draws the weights from torch's global state."""
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")


class SelfAttention(nn.Module):
    """Multi-head self-attention among the places of a feature map of any size.

    Scores depend on the content of two places and on their relative position, through rotary
    embeddings along both axes (https://arxiv.org/abs/2104.09864; the axial form of
    https://arxiv.org/abs/2403.13298), whose unit is one place of the map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.query_key_value = VarianceKeepingConv2d(width, 3 * width)

    def forward(self, x: Tensor, keys: Tensor | None = None) -> Tensor:
        """Mixes the places of x to a map of the same shape.

        Args:
            x: float [B, W, H, W'].
            keys: The places that others take from, bool [B, 1, H, W'], one or more in each map;
                None for all.
        """
        taken = None if keys is None else keys.flatten(2)[:, None]  # [B, 1, 1, N]
        mixed = F.scaled_dot_product_attention(*self._project(x), attn_mask=taken)
        return self._to_map(mixed, x)  # of [B, heads, N, HEAD_WIDTH]

    def weights(self, x: Tensor) -> Tensor:
        """How much each place takes from each other, float32 [B, heads, N, N]; rows sum to 1.

        N = H * W counts the places row by row. `forward` computes the same without storing it.
        """
        query, key, _ = self._project(x)
        with torch.autocast(x.device.type, enabled=False):
            scores = query.float() @ key.float().transpose(-2, -1) / HEAD_WIDTH**0.5
            return scores.softmax(dim=-1)

    def mix_with(self, weights: Tensor, x: Tensor) -> Tensor:
        """What `forward` returns if the attention weights are `weights`, [B, heads, N, N]."""
        value = self._project(x)[2]
        return self._to_map(weights.to(value.dtype) @ value, x)

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        height, width = x.shape[-2:]
        projected = self.query_key_value(x).flatten(2).transpose(1, 2)  # [B, N, 3W]
        split = projected.unflatten(2, (3, self.heads, HEAD_WIDTH)).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)  # [B, heads, N, HEAD_WIDTH] each
        rotate = _rotation if torch.compiler.is_exporting() else _kept_rotation
        rotation = rotate(height, width, x.device)
        query = apply_rot_embed_cat(query, rotation).type_as(value)
        key = apply_rot_embed_cat(key, rotation).type_as(value)
        return query, key, value

    def _to_map(self, mixed: Tensor, like: Tensor) -> Tensor:
        return mixed.transpose(1, 2).flatten(2).transpose(1, 2).unflatten(2, like.shape[-2:])


def _rotation(height: int, width: int, device: torch.device) -> Tensor:
    """The sines and cosines of all places of a map, float32 [N, 2 * HEAD_WIDTH]."""
    with torch.inference_mode(False):  # else a table made in validation could not be trained with
        parts = build_rotary_pos_embed(
            [height, width],
            dim=HEAD_WIDTH,
            temperature=ROTARY_TEMPERATURE,
            in_pixels=False,
            device=device,
        )
        return torch.cat(parts, dim=-1)


_kept_rotation = cache(_rotation)
"""Not while a graph is exported: the exporter's tensors hold no values, and would be kept."""


class Operator(nn.Module):
    """A gated residual bottleneck over a feature map; `mix` makes it attention or convolution.

    Attributes:
        gate: float [channels], the share of the branch in each channel of the output (LayerScale,
            https://arxiv.org/abs/2103.17239). At 0 the output is the input, bit for bit.
        contribution: float32 scalar, mean |gate * f(x)| / mean |x| in the last training forward
            (NaN before the first).
    """

    contribution: Tensor

    def __init__(self, channels: int, mix: nn.Module, width: int, gate: float, drop: float) -> None:
        super().__init__()
        self.norm = LayerNorm2d(channels)
        self.reduce = VarianceKeepingConv2d(channels, width)
        self.mix = mix
        self.mixed_norm = LayerNorm2d(width)
        self.expand = VarianceKeepingConv2d(width, channels)
        self.gate_start = gate
        self.gate = nn.Parameter(torch.full((channels,), gate))
        self.drop_path = DropPath(drop)
        self.register_buffer("contribution", torch.tensor(float("nan")), persistent=False)

    def reset_parameters(self) -> None:
        """Sets the gate to its start; the other parameters belong to submodules."""
        nn.init.constant_(self.gate, self.gate_start)

    def forward(self, x: Tensor) -> Tensor:
        """Returns x, float [B, channels, H, W], with the gated branch added."""
        mixed = self.mixed_norm(self.mix(self.reduce(self.norm(x))))
        branch = self.expand(F.gelu(mixed))
        branch = self.gate.to(branch.dtype).view(-1, 1, 1) * branch
        if self.training:
            self._note_contribution(branch.detach(), x.detach())
        return x + self.drop_path(branch)

    def attention_weights(self, x: Tensor) -> Tensor:
        """The attention weights within `forward(x)`, float32 [B, heads, H * W, H * W].

        Raises:
            TypeError: The operator is not attention.
        """
        if not isinstance(self.mix, SelfAttention):
            raise TypeError("a convolution has no attention weights")
        return self.mix.weights(self.reduce(self.norm(x)))

    @torch.no_grad()
    def _note_contribution(self, branch: Tensor, x: Tensor) -> None:
        size = torch.linalg.vector_norm(x, ord=1, dtype=torch.float32)
        self.contribution.copy_(
            torch.linalg.vector_norm(branch, ord=1, dtype=torch.float32) / size.clamp_min(1e-12)
        )


MIXES: dict[str, Callable[[int], nn.Module]] = {
    "attention": SelfAttention,
    "convolution": lambda width: VarianceKeepingConv2d(width, width, KERNEL, GROUPS),
}


def build_operator(kind: str, channels: int, gate: float, drop: float) -> Operator:
    """An operator for a map of `channels` channels.

    Args:
        kind: "attention" or "convolution".
        channels: Channels of the feature map.
        gate: Where the gate starts: `GATE_FROM_SCRATCH`, or 0 within weights trained without it.
        drop: The probability of dropping the branch of a sample in training.
    """
    width = operator_width(channels)
    return Operator(channels, MIXES[kind](width), width, gate, drop)
