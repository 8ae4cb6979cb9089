"""How much a network's features say of images, without any label: their rank, spread and collapse.

All take features, float [N, D] with N at least 2, and compute in float64 on the CPU.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST_SHARE = 1e-7
"""Added to each singular value's share of their sum, as RankMe does."""


def effective_rank(features: Tensor) -> float:
    """How many directions the features fill, as a share of the min(N, D) that they could.

    RankMe (Garrido et al. 2023, https://arxiv.org/abs/2210.02885): the exponential of the entropy
    of the singular values' shares of their sum. Features that are all zero fill none.
    """
    values = torch.linalg.svdvals(_exact(features))
    total = values.sum()
    if total == 0:
        return 0.0
    shares = values / total + LEAST_SHARE
    return float((-(shares * shares.log()).sum()).exp() / len(values))


def mean_cosine(features: Tensor) -> float:
    """The mean cosine of two images' features, -1 to 1: 1 where all have one direction.

    Images whose features are all zero have no direction, and count as alike.
    """
    vectors = _exact(features)
    units = F.normalize(vectors[vectors.any(dim=1)])
    silent, count = len(vectors) - len(units), len(vectors)
    alike = units.sum(dim=0).square().sum() - len(units) + silent * (silent - 1)
    return float(alike / (count * (count - 1)))


def uniformity(features: Tensor) -> float:
    """How evenly the features' directions cover the sphere: 0 (all one) down to about -4.

    The logarithm of the mean Gaussian potential of two images at t = 2 (Wang and Isola 2020,
    https://arxiv.org/abs/2005.10242).
    """
    distances = torch.pdist(F.normalize(_exact(features)))
    return float((-2 * distances.square()).exp().mean().log())


def alignment(first: Tensor, second: Tensor) -> float:
    """How far apart two views of an image lie on the sphere, squared: 0 (one place) to 4.

    The mean over the images (Wang and Isola 2020).

    Args:
        first: Features of one view of each image.
        second: Those of the other view.
    """
    between = F.normalize(_exact(first)) - F.normalize(_exact(second))
    return float(between.square().sum(dim=1).mean())


def dimensional_collapse(features: Tensor) -> float:
    """MONAI's embedding collapse without labels, 0 to 1: 1 where one direction is left, or none.

    One minus the effective rank of what the images' features differ in, as a share of its most.
    """
    from monai.metrics.embedding_collapse import compute_embedding_collapse  # imports much

    found = compute_embedding_collapse(
        features.detach().cpu(), reduction="none", include_indicators=["effective_rank"]
    )
    return float(found["effective_rank_score"])


def _exact(features: Tensor) -> Tensor:
    return features.detach().cpu().double()
