"""Spread and retrieval, in cases that are known."""

import pytest
import torch

from matl.stages.ssl.measures import retrieval, spread


def test_spread_tells_collapsed_features_from_even_ones():
    everyone = torch.ones(500, dtype=torch.bool)
    even = torch.randn(500, 64, generator=torch.Generator().manual_seed(0))
    assert spread(even, everyone).item() == pytest.approx(1.0, abs=0.05)
    assert spread(torch.ones(500, 64), everyone).item() == pytest.approx(0.0, abs=1e-4)
    some = torch.arange(500) < 250
    mixed = torch.cat([even[:250], torch.ones(250, 64)])
    assert torch.equal(spread(mixed, some), spread(even[:250]))


def test_retrieval_is_the_share_of_scans_that_find_their_other_view():
    first = torch.eye(4)
    assert retrieval(3 * first, first).item() == 1.0
    swapped = first[[1, 0, 2, 3]]
    assert retrieval(first, swapped).item() == 0.5
    collapsed = torch.ones(4, 4)
    assert retrieval(collapsed, collapsed).item() == 0.25
