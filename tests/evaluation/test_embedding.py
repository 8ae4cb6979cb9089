"""Rank, spread and collapse of features, against slow references and known limits."""

import math

import numpy as np
import pytest
import torch
from monai.metrics import EmbeddingCollapseMetric
from torch import Tensor

from matl.evaluation.embedding import (
    alignment,
    dimensional_collapse,
    effective_rank,
    mean_cosine,
    uniformity,
)

CONSTANT = torch.full((12, 5), 0.3)


def drawn(rows: int, columns: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def test_the_rank_is_that_of_the_published_formula() -> None:
    features = drawn(9, 4).abs()
    values = np.sqrt(np.linalg.eigvalsh(features.double().numpy().T @ features.double().numpy()))
    shares = [value / sum(values) + 1e-7 for value in values]
    expected = math.exp(-sum(share * math.log(share) for share in shares)) / 4
    assert effective_rank(features) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("features", "share"),
    [(torch.eye(6), 1.0), (CONSTANT, 1 / 5), (torch.zeros(4, 3), 0.0), (torch.eye(8)[:, :4], 1.0)],
)
def test_the_rank_at_its_ends(features: Tensor, share: float) -> None:
    assert effective_rank(features) == pytest.approx(share, abs=1e-4)


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    features = drawn(7, 3)
    cosines = [
        torch.cosine_similarity(features[one], features[other], dim=0).item()
        for one in range(7)
        for other in range(7)
        if one != other
    ]
    assert mean_cosine(features) == pytest.approx(sum(cosines) / len(cosines), abs=1e-6)


def test_alike_features_have_a_mean_cosine_of_one_also_where_they_are_zero() -> None:
    assert mean_cosine(CONSTANT) == pytest.approx(1)
    assert mean_cosine(torch.zeros(6, 4)) == 1
    assert mean_cosine(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(-1)


def test_uniformity_and_alignment_are_those_of_the_published_formulas() -> None:
    one, other = drawn(6, 3), drawn(6, 3, seed=1)
    units = [torch.nn.functional.normalize(part) for part in (one, other)]
    potentials = [
        math.exp(-2 * float((units[0][i] - units[0][j]).square().sum()))
        for i in range(6)
        for j in range(i)
    ]
    expected = math.log(sum(potentials) / len(potentials))
    assert uniformity(one) == pytest.approx(expected, abs=1e-6)
    distances = [float((a - b).square().sum()) for a, b in zip(*units, strict=True)]
    assert alignment(one, other) == pytest.approx(sum(distances) / 6, abs=1e-6)
    assert alignment(one, 3 * one) == pytest.approx(0, abs=1e-12)
    assert uniformity(CONSTANT) == pytest.approx(0, abs=1e-6)


def test_the_collapse_is_monais_own() -> None:
    features = drawn(20, 6)
    expected = EmbeddingCollapseMetric(reduction="none")(features)["effective_rank_score"]
    assert dimensional_collapse(features) == pytest.approx(float(expected))
    assert dimensional_collapse(torch.full((12, 5), 0.5)) == 1
    one_direction = torch.linspace(0, 1, 200)[:, None] * drawn(1, 50)
    assert dimensional_collapse(one_direction) > 0.97
