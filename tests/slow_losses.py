"""Contrastive losses of one query, in plain numbers."""

import math

import torch
import torch.nn.functional as F


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return F.cosine_similarity(a, b, dim=0).item()


def info_nce(positive: float, negatives: list[float], temperature: float) -> float:
    total = math.exp(positive / temperature) + sum(math.exp(n / temperature) for n in negatives)
    return math.log(total) - positive / temperature


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
