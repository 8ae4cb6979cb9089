"""What the method `jigsaw` is made of: permutations, tiles, and the head that names the order.

After Noroozi and Favaro (https://arxiv.org/abs/1603.09246).
"""

from functools import cache
from itertools import permutations

import numpy as np
import torch
from torch import Tensor, nn

from matl.stages.ssl.jigsaw import SIDE, tile_side
from matl.views import WHOLE, Share

TILES = SIDE**2
TILE_FEATURES = 512
SEED = 0


@cache
def distant_permutations(count: int) -> np.ndarray:
    """Permutations of the tiles that differ in many places, int8 [count, TILES].

    The first is drawn; each next one has the largest sum of Hamming distances to those before it,
    as the paper's algorithm 1 has it, and is drawn where several have.
    """
    possible = np.array(list(permutations(range(TILES))), dtype=np.int8)
    possible = possible[np.random.default_rng(SEED).permutation(len(possible))]
    places = np.ascontiguousarray(possible.T)
    alike = np.zeros(len(possible), dtype=np.int32)  # tiles at the place of a chosen one's
    chosen = [0]
    while len(chosen) < count:
        for place, tile in zip(places, possible[chosen[-1]], strict=True):
            alike += place == tile
        alike[chosen[-1]] = np.iinfo(np.int32).max // 2  # never again
        chosen.append(int(alike.argmin()))
    return possible[chosen]


def cut_tiles(images: Tensor, generator: torch.Generator, share: Share = WHOLE) -> Tensor:
    """Cuts a tile at a random place of each of 3 x 3 cells: [B, TILES, C, h, w], row by row.

    Args:
        images: float [B, C, H, W]; what does not fill a cell is left out at the lower right.
        generator: On the CPU.
        share: The part of the batch that the images are.
    """
    cells = torch.tensor(images.shape[2:]) // SIDE
    sides = torch.tensor([tile_side(side) for side in images.shape[2:]])
    drawn = torch.rand(len(images) * share.parts, TILES, 2, generator=generator)
    offsets = (share.of(drawn) * (cells - sides + 1)).long()
    tiles = torch.arange(TILES)
    corners = torch.stack([tiles // SIDE, tiles % SIDE], dim=1) * cells + offsets  # [B, TILES, 2]
    corners = corners.to(images.device)[:, :, None]
    rows = corners[..., 0] + torch.arange(int(sides[0]), device=images.device)  # [B, TILES, h]
    columns = corners[..., 1] + torch.arange(int(sides[1]), device=images.device)
    scan = torch.arange(len(images), device=images.device)[:, None, None, None]
    cut = images.movedim(1, -1)[scan, rows[..., None], columns[:, :, None]]
    return cut.movedim(-1, 2)


def normalize_tiles(tiles: Tensor) -> Tensor:
    """Takes mean and deviation out of each channel of each tile, [..., h, w]: no tile's own."""
    deviation, mean = torch.std_mean(tiles, dim=(-2, -1), keepdim=True, correction=0)
    return (tiles - mean) / deviation.clamp(min=1e-3)


class PuzzleHead(nn.Module):
    """Names the permutation of nine tiles from the features of each.

    As the layers fc6 to fc8 of the paper's context-free network: one layer for each tile by
    itself, then one for all of them, then the permutations.

    Args:
        inputs: Features of a tile.
        width: Of the layer that joins the tiles.
        count: Permutations to tell apart.

    Attributes:
        permutations: int64 [count, TILES].
    """

    permutations: Tensor

    def __init__(self, inputs: int, width: int, count: int) -> None:
        super().__init__()
        self.tile = nn.Sequential(nn.Linear(inputs, TILE_FEATURES), nn.ReLU())
        self.joined = nn.Sequential(nn.Linear(TILES * TILE_FEATURES, width), nn.ReLU())
        self.permutation = nn.Linear(width, count)
        order = torch.from_numpy(distant_permutations(count)).long()
        self.register_buffer("permutations", order)

    def forward(self, features: Tensor) -> Tensor:
        """Logits [B, count] of the features [B, TILES, inputs] of tiles in their shuffled order."""
        return self.permutation(self.joined(self.tile(features).flatten(1)))
