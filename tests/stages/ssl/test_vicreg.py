"""VICReg's loss against a slow reference."""

import pytest
import torch
from methods import build, show_these_views, two_views


def slow_terms(first: torch.Tensor, second: torch.Tensor) -> tuple[float, float, float]:
    """Invariance, variance and covariance, feature by feature, in float64."""
    count, width = first.shape
    gaps = [(first[i, d] - second[i, d]).item() ** 2 for i in range(count) for d in range(width)]
    variance, covariance = 0.0, 0.0
    for view in (first, second):
        centred = view - view.mean(dim=0)
        matrix = [
            [sum(centred[:, a] * centred[:, b]).item() / (count - 1) for b in range(width)]
            for a in range(width)
        ]
        spreads = [(matrix[d][d] + 1e-4) ** 0.5 for d in range(width)]
        variance += sum(max(0.0, 1 - spread) for spread in spreads) / width / 2
        covariance += (
            sum(matrix[a][b] ** 2 for a in range(width) for b in range(width) if a != b) / width
        )
    return sum(gaps) / len(gaps), variance, covariance


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    weights = {"invariance": 10.0, "variance": 20.0, "covariance": 3.0}
    stage, batch = show_these_views(build("vicreg", projection=6, **weights)), two_views()
    with torch.no_grad():
        views = [600 * stage.project(batch[name]) for name in ("first", "second")]
        last = stage.heads["projection"].layers[-1]
        last.weight *= 600  # features large enough for all terms to matter
        last.bias *= 600
    terms = slow_terms(*(view.double() for view in views))
    assert all(term > 0.01 for term in terms)
    expected = sum(w * term for w, term in zip(weights.values(), terms, strict=True))
    assert stage.loss(batch).item() == pytest.approx(expected, rel=1e-3)
