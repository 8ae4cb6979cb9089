"""InfoNCE against a queue equals a slow reference, written with loops over queries and keys."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_losses import cosine, info_nce, mean

from matl.stages.ssl.info_nce import queue_loss

TEMPERATURE, WIDTH = 0.2, 5
SETTINGS = settings(max_examples=25, deadline=None)
CASES = given(
    seed=st.integers(0, 10**6),
    patients=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    visible=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
)


@SETTINGS
@CASES
def test_queue_loss_equals_the_slow_reference(seed, patients, visible):
    draw = torch.Generator().manual_seed(seed)
    count = len(patients)
    queries, keys = torch.randn(2, count, WIDTH, generator=draw)
    queue = torch.randn(7, WIDTH, generator=draw)
    negatives = torch.rand(count, 7, generator=draw) < visible
    takes_part = torch.rand(count, generator=draw) < visible
    expected, right = [], []
    for i in range(count):
        others = [cosine(queries[i], queue[k]) for k in range(7) if negatives[i, k]]
        if takes_part[i] and others:
            positive = cosine(queries[i], keys[i])
            expected.append(info_nce(positive, others, TEMPERATURE))
            right.append(positive > max(others))

    term = queue_loss(queries, keys, takes_part, queue, negatives, TEMPERATURE)

    assert term.loss.item() == pytest.approx(mean(expected), abs=1e-4)
    assert term.accuracy.item() == pytest.approx(mean(right))
    assert term.used.item() == pytest.approx(len(expected) / count)


def test_a_query_without_any_negative_gives_zero_loss_and_finite_gradients():
    queries = torch.zeros(2, WIDTH, requires_grad=True)
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    term = queue_loss(
        queries, torch.zeros(2, WIDTH), nothing[:, 0] | True, torch.zeros(4, WIDTH), nothing, 0.2
    )
    term.loss.backward()
    assert term.loss.item() == 0
    assert term.used.item() == 0
    assert queries.grad.abs().sum() == 0


def test_equal_similarities_give_the_logarithm_of_their_number():
    one = torch.ones(3, WIDTH)
    term = queue_loss(
        one, one, torch.ones(3, dtype=torch.bool), torch.ones(9, WIDTH),
        torch.ones(3, 9, dtype=torch.bool), TEMPERATURE,
    )  # fmt: skip
    assert term.loss.item() == pytest.approx(math.log(10), abs=1e-5)
    assert term.accuracy.item() == 0
