"""Permutations that differ in many places, and tiles with gaps."""

from itertools import permutations

import numpy as np
import pytest
import torch

from matl.stages.ssl.puzzle import (
    TILES,
    PuzzleHead,
    cut_tiles,
    distant_permutations,
    normalize_tiles,
)
from matl.views import Share

ALL = np.array(list(permutations(range(TILES))))


def distances(chosen: np.ndarray) -> np.ndarray:
    """Hamming distances of all pairs."""
    apart = (chosen[:, None] != chosen[None]).sum(-1)
    return apart[np.triu_indices(len(chosen), 1)]


def test_each_permutation_is_the_farthest_from_those_before_it() -> None:
    chosen = distant_permutations(12)
    for count in range(1, 12):
        sums = (ALL[:, None] != chosen[None, :count]).sum((1, 2))
        taken = (ALL[:, None] == chosen[None, :count]).all(-1).any(1)
        assert (chosen[count] != chosen[:count]).sum() == sums[~taken].max()


@pytest.mark.parametrize(("count", "mean"), [(100, 8.08), (1000, 8.0)])
def test_many_permutations_are_as_far_apart_as_the_papers(count: int, mean: float) -> None:
    """Noroozi and Favaro give a mean distance of 8.00 and a least one of 2 for 1000."""
    chosen = distant_permutations(count)
    assert (np.sort(chosen, axis=1) == np.arange(TILES)).all()
    assert distances(chosen).mean() == pytest.approx(mean, abs=0.01)
    assert distances(chosen).min() == 2
    assert np.array_equal(chosen[:12], distant_permutations(12))


def test_tiles_are_whole_pieces_of_their_cells_in_order() -> None:
    """Each pixel says where it lies, so that each tile says where it was cut."""
    rows, columns = torch.meshgrid(torch.arange(116.0), torch.arange(152.0), indexing="ij")
    images = torch.stack([rows, columns]).expand(200, -1, -1, -1)
    tiles = cut_tiles(images, torch.Generator().manual_seed(0))
    assert tiles.shape == (200, TILES, 2, 32, 42)  # of cells of 38 x 50
    corners = tiles[..., 0, 0]
    across = torch.stack(torch.meshgrid(torch.arange(32), torch.arange(42), indexing="ij"))
    assert torch.equal(tiles, corners[..., None, None] + across)
    number = torch.arange(TILES)
    cells = torch.stack([number // 3 * 38, number % 3 * 50], dim=1)
    offsets = (corners - cells).flatten(0, 1)
    assert offsets.amin(0).tolist() == [0, 0]
    assert offsets.amax(0).tolist() == [6, 8], "a tile may lie at the other end of its cell"


def test_tiles_are_drawn_for_the_whole_batch() -> None:
    images = torch.rand(6, 1, 120, 120, generator=torch.Generator().manual_seed(1))
    whole = cut_tiles(images, torch.Generator().manual_seed(0))
    parts = [
        cut_tiles(part, torch.Generator().manual_seed(0), Share(number, 3))
        for number, part in enumerate(images.chunk(3))
    ]
    assert torch.equal(torch.cat(parts), whole)


def test_a_tile_keeps_neither_its_brightness_nor_its_contrast() -> None:
    tiles = torch.rand(2, TILES, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = normalize_tiles(tiles)
    torch.testing.assert_close(expected.mean((-2, -1)), torch.zeros(2, TILES, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(expected.var((-2, -1), correction=0), torch.ones(2, TILES, 3))
    torch.testing.assert_close(normalize_tiles(0.3 * tiles + 0.5), expected, atol=1e-4, rtol=1e-4)
    assert not normalize_tiles(torch.full((1, TILES, 1, 8, 8), 0.7)).abs().gt(1e-3).any()


def test_the_head_looks_at_each_tile_alike_and_at_their_order() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = PuzzleHead(inputs=4, width=16, count=10)
        features = torch.randn(2, TILES, 4)
    singly = [head.tile(features[:, number]) for number in range(TILES)]
    expected = head.permutation(head.joined(torch.cat(singly, dim=1)))
    torch.testing.assert_close(head(features), expected)
    assert not torch.allclose(head(features.flip(1)), expected)
