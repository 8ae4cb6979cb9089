"""SimCLR's loss against a slow reference."""

import pytest
import torch
from methods import build, show_these_views, two_views
from slow_losses import cosine, info_nce, mean

from matl.stages.ssl.simclr import SimCLRConfig


def test_each_view_is_told_from_all_views_of_other_scans() -> None:
    stage, batch = show_these_views(build("simclr")), two_views()
    with torch.no_grad():
        first, second = stage.project(batch["first"]), stage.project(batch["second"])
    views = [*first, *second]
    expected = []
    for i, view in enumerate(views):
        other = (i + 4) % 8
        negatives = [cosine(view, views[k]) for k in range(8) if k not in (i, other)]
        expected.append(info_nce(cosine(view, views[other]), negatives, SimCLRConfig.temperature))
    assert stage.loss(batch).item() == pytest.approx(mean(expected), rel=1e-5)
