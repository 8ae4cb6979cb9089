"""What a region's place alone tells of it."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from matl.stages.ssl.multi_scale.position import centroids, position_accuracy

SCANS, REGIONS, CELLS = 40, 6, 9


def blobs(seed: int, wander: float) -> torch.Tensor:
    """Each region in one cell, whose place wanders about the region's own."""
    random = np.random.default_rng(seed)
    own = np.array([(x, y) for x in (2, 6) for y in (1, 4, 7)])
    places = own + wander * random.normal(size=(SCANS, REGIONS, 2))
    columns, rows = np.clip(places.round().astype(int), 0, CELLS - 1).transpose(2, 0, 1)
    weights = np.zeros((SCANS, REGIONS, CELLS, CELLS), dtype=np.float32)
    scan, region = np.indices((SCANS, REGIONS))
    weights[scan, region, rows, columns] = 0.5
    return torch.from_numpy(weights)


def test_centroids_are_where_the_weight_is():
    weights = torch.zeros(1, 2, 3, 5)
    weights[0, 0, 0, 4] = 0.2
    weights[0, 1, :, 1:3] = 1.0
    assert centroids(weights)[0].tolist() == [[1.0, -1.0], [-0.25, 0.0]]


def test_regions_that_keep_their_places_are_all_told():
    everyone = torch.ones(SCANS, REGIONS, dtype=torch.bool)
    assert position_accuracy(blobs(0, 0.0), blobs(1, 0.0), everyone) == 1


@pytest.mark.parametrize("wander", [1.0, 2.0])
def test_it_is_the_linear_discriminant_of_scikit_learn(wander):
    known, asked = blobs(0, wander), blobs(1, wander)
    takes_part = torch.rand(SCANS, REGIONS, generator=torch.Generator().manual_seed(0)) > 0.2
    truth = np.nonzero(takes_part.numpy())[1]
    equal = np.full(REGIONS, 1 / REGIONS)
    reference = LinearDiscriminantAnalysis(solver="lsqr", priors=equal)
    reference.fit(centroids(known)[takes_part].numpy(), truth)
    expected = reference.score(centroids(asked)[takes_part].numpy(), truth)
    found = position_accuracy(known, asked, takes_part)
    assert 1 / REGIONS < expected < 1
    assert found.item() == pytest.approx(expected, abs=0.02)


def test_regions_that_lie_anywhere_are_told_by_chance():
    everyone = torch.ones(SCANS, REGIONS, dtype=torch.bool)
    anywhere = [
        torch.rand(SCANS, REGIONS, 9, 9, generator=torch.Generator().manual_seed(n)) for n in (0, 1)
    ]
    assert position_accuracy(*anywhere, everyone).item() == pytest.approx(1 / REGIONS, abs=0.08)


def test_regions_that_no_view_shows_count_for_nothing():
    takes_part = torch.zeros(SCANS, REGIONS, dtype=torch.bool)
    empty = torch.zeros(SCANS, REGIONS, CELLS, CELLS)
    assert position_accuracy(empty, empty, takes_part) == 0
    takes_part[0, 2] = True
    assert position_accuracy(blobs(0, 0.0), blobs(1, 0.0), takes_part) == 1
