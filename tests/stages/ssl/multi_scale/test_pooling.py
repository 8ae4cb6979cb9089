"""Pooling: regions go where the view's map takes them, and features are averaged there."""

import numpy as np
import pytest
import torch

from data_modules.fit import FITS
from data_modules.ragged import Ragged
from matl.stages.ssl.multi_scale.pooling import Look, carry, lung_weights, pool, visible
from matl.views import Fitting, ViewConfig, random_map, random_view

PLAIN = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def blocks() -> torch.Tensor:
    """Six regions as blocks of a 64 x 64 scan: two columns, three rows, nothing below."""
    regions = torch.zeros(1, 64, 64, dtype=torch.uint8)
    for side in range(2):
        for third in range(3):
            rows, columns = slice(16 * third, 16 * third + 16), slice(32 * side, 32 * side + 32)
            regions[0, rows, columns] = 1 + 3 * side + third
    return regions


def test_the_plain_view_gives_each_cell_its_share():
    weights = carry(blocks(), PLAIN, (8, 8))
    for region in range(6):
        share = (blocks() == region + 1).float().reshape(8, 8, 8, 8).mean(dim=(1, 3))
        torch.testing.assert_close(weights[0, region], share)


def test_a_flip_and_a_shift_move_the_regions():
    flipped = PLAIN * torch.tensor([[-1.0], [1.0]])
    expected = carry(blocks(), PLAIN, (8, 8)).flip(-1)
    torch.testing.assert_close(carry(blocks(), flipped, (8, 8)), expected)
    down = PLAIN.clone()
    down[0, 1, 2] = 0.5
    shifted = carry(blocks(), down, (8, 8))
    torch.testing.assert_close(shifted[0, :, :6], carry(blocks(), PLAIN, (8, 8))[0, :, 2:])
    assert shifted[0, :, 6:].sum() == 0


def test_carried_regions_cover_what_a_view_of_the_labels_shows():
    regions = blocks().expand(16, -1, -1)
    config = ViewConfig(crop=[0.4, 0.8], rotate=30.0)
    places = torch.tensor([[64, 64]] * 16)
    fitting = Fitting((64, 64), "crop")
    theta = random_map(places, fitting, config, torch.Generator().manual_seed(0))
    coarse = carry(regions, theta, (4, 4)).mean(dim=(2, 3))
    fine = carry(regions, theta, (64, 64)).mean(dim=(2, 3))
    torch.testing.assert_close(coarse, fine, atol=0.01, rtol=0)


@pytest.mark.parametrize("fit", FITS)
def test_regions_follow_the_scan_into_its_view_whatever_their_shape(fit: str):
    """A view of the labels as a picture shows the labels that are carried by its map."""
    shapes = [(64, 64), (48, 90), (80, 50)]
    labels = [blocks()[0].numpy().repeat(2, 0)[:h, :].repeat(2, 1)[:, :w] for h, w in shapes]
    batch = torch.from_numpy(Ragged.of(labels).padded(np.arange(3)))
    still = ViewConfig(
        crop=[0.6, 1.0], brightness=0.0, contrast=0.0, gamma=0.0, noise=0.0, low_resolution=0.0
    )
    fitting, extent = Fitting((64, 64), fit), torch.tensor(shapes)
    seeded = torch.Generator().manual_seed(1)
    for name in range(1, 7):
        pictures = 255 * (batch == name).to(torch.uint8)[:, None]
        view = random_view(pictures, still, seeded.manual_seed(1), fitting, extent)
        shares = carry(batch, view.theta, (8, 8))[:, name - 1]
        shown = torch.nn.functional.avg_pool2d(view.image[:, 0], 8)
        torch.testing.assert_close(shares, shown, atol=0.12, rtol=0)


def test_a_region_out_of_the_view_is_not_visible():
    zoomed = PLAIN * 0.25
    zoomed[0, :, 2] = torch.tensor([-0.75, -0.75])
    assert visible(carry(blocks(), zoomed, (4, 4)), 0.01).tolist() == [[True, *[False] * 5]]


def test_pooling_equals_a_loop_over_cells():
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(2, 5, 3, 4, generator=draw)
    weights = torch.rand(2, 6, 3, 4, generator=draw)
    pooled = pool(features, weights)
    for b in range(2):
        for r in range(6):
            cells = [(y, x) for y in range(3) for x in range(4)]
            total = sum(weights[b, r, y, x] for y, x in cells)
            average = sum(weights[b, r, y, x] * features[b, :, y, x] for y, x in cells) / total
            torch.testing.assert_close(pooled[b, r], average)


def test_an_empty_region_pools_to_zero_with_finite_gradients():
    features = torch.randn(1, 5, 4, 4, requires_grad=True)
    pooled = pool(features, torch.zeros(1, 6, 4, 4))
    pooled.square().sum().backward()
    assert pooled.abs().sum() == 0
    assert features.grad.abs().sum() == 0


def weights_of(fields: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return lung_weights(fields, carry(fields, theta, (4, 4)))


def test_features_of_several_maps_are_joined():
    draw = torch.Generator().manual_seed(1)
    maps = {8: torch.randn(1, 3, 8, 8, generator=draw), 16: torch.randn(1, 5, 4, 4, generator=draw)}
    look = Look(PLAIN, maps, blocks())
    both, fine, coarse = (look.regions(strides) for strides in ([8, 16], [8], [16]))
    assert torch.equal(both.features, torch.cat([fine.features, coarse.features], dim=2))
    assert torch.equal(both.shares, fine.shares)
    lungs, shows = look.lung([16, 8])
    assert lungs.shape == (1, 8)
    assert torch.equal(lungs[:, :5], look.lung([16])[0])
    assert shows.item()


def test_a_scan_without_a_field_is_pooled_over_the_whole_map_and_takes_part():
    weights, takes_part = weights_of(torch.zeros(1, 64, 64, dtype=torch.uint8), PLAIN)
    assert torch.equal(weights, torch.ones(1, 1, 4, 4))
    assert takes_part.item()


@pytest.mark.parametrize(("side", "shows"), [(12, False), (18, True)])
def test_a_view_with_little_lung_drops_out(side, shows):
    regions = torch.zeros(1, 64, 64, dtype=torch.uint8)
    regions[0, :side, :side] = 1
    assert weights_of(regions, PLAIN)[1].item() is shows


def test_a_view_that_looks_beside_the_lungs_drops_out_without_pooling_the_whole_map():
    regions = torch.zeros(1, 64, 64, dtype=torch.uint8)
    regions[0, -4:, -4:] = 6
    corner = PLAIN * 0.25
    corner[0, :, 2] = -0.75
    weights, takes_part = weights_of(regions, corner)
    assert weights.sum() == 0
    assert not takes_part.item()
