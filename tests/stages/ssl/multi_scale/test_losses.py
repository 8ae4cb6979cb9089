"""Region and identity against slow references, written with loops over queries and keys."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_losses import cosine, info_nce, mean

from matl.stages.ssl.multi_scale.losses import RegionKeys, identity_loss, region_loss

TEMPERATURE = 0.2
REGIONS, WIDTH = 6, 5
SETTINGS = settings(max_examples=25, deadline=None)
CASES = given(
    seed=st.integers(0, 10**6),
    patients=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    visible=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
)


def region_case(seed: int, patients: list[int], visible: float):
    draw = torch.Generator().manual_seed(seed)
    shape = (len(patients), REGIONS)
    queries = torch.randn(*shape, WIDTH, generator=draw)
    keys = RegionKeys(
        keys=torch.randn(*shape, WIDTH, generator=draw),
        takes_part=torch.rand(shape, generator=draw) < visible,
        scans=torch.arange(len(patients)),
        patients=torch.tensor(patients),
    )
    return queries, keys


def slow_region_loss(queries: torch.Tensor, own: RegionKeys, others: RegionKeys) -> list[float]:
    losses = []
    for i, r in own.takes_part.nonzero().tolist():
        negatives = []
        for j, s in others.takes_part.nonzero().tolist():
            same_scan = own.scans[i] == others.scans[j]
            other_patient = own.patients[i] != others.patients[j]
            if s != r and (same_scan or other_patient):
                negatives.append(cosine(queries[i, r], others.keys[j, s]))
        if negatives:
            same = cosine(queries[i, r], own.keys[i, r])
            losses.append(info_nce(same, negatives, TEMPERATURE))
    return losses


@SETTINGS
@CASES
def test_region_loss_equals_the_slow_reference(seed, patients, visible):
    queries, keys = region_case(seed, patients, visible)
    expected = slow_region_loss(queries, keys, keys)
    term = region_loss(queries, keys, keys, TEMPERATURE)
    assert term.loss.item() == pytest.approx(mean(expected), abs=1e-4)
    assert term.used.item() == pytest.approx(len(expected) / (len(patients) * REGIONS))


@SETTINGS
@CASES
def test_region_negatives_may_come_from_all_processes(seed, patients, visible):
    queries, keys = region_case(seed, patients, visible)
    half = len(patients) // 2
    parts = [RegionKeys(*(t[:half] for t in keys)), RegionKeys(*(t[half:] for t in keys))]
    terms = [
        region_loss(q, own, keys, TEMPERATURE)
        for q, own in zip((queries[:half], queries[half:]), parts, strict=True)
        if len(q)
    ]
    together = region_loss(queries, keys, keys, TEMPERATURE)
    counts = [len(slow_region_loss(queries[own.scans], own, keys)) for own in parts if len(own[0])]
    joined = sum(t.loss.item() * n for t, n in zip(terms, counts, strict=True)) / max(
        sum(counts), 1
    )
    assert together.loss.item() == pytest.approx(joined, abs=1e-4)


@SETTINGS
@CASES
def test_identity_loss_equals_the_slow_reference(seed, patients, visible):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(patients), REGIONS, REGIONS, generator=draw)
    takes_part = torch.rand(len(patients), REGIONS, generator=draw) < visible
    expected, right = [], []
    for i, r in takes_part.nonzero().tolist():
        expected.append(-logits[i, r].log_softmax(dim=0)[r].item())
        right.append(logits[i, r].argmax().item() == r)
    term = identity_loss(logits, takes_part)
    assert term.loss.item() == pytest.approx(mean(expected), abs=1e-4)
    assert term.accuracy.item() == pytest.approx(mean(right))


@SETTINGS
@CASES
def test_a_region_that_takes_no_part_has_no_influence_and_no_gradient(seed, patients, visible):
    queries, keys = region_case(seed, patients, visible)
    hidden = ~keys.takes_part[..., None]
    queries.requires_grad_()
    term = region_loss(queries, keys, keys, TEMPERATURE)
    term.loss.backward()
    changed = keys._replace(keys=torch.where(hidden, 9 * keys.keys.flip(-1), keys.keys))
    other = region_loss(torch.where(hidden, -queries, queries), changed, changed, TEMPERATURE)
    assert other.loss.item() == pytest.approx(term.loss.item(), abs=1e-5)
    assert queries.grad.masked_select(hidden).abs().sum() == 0
    assert queries.grad.isfinite().all()


def test_regions_of_another_scan_of_the_same_patient_are_no_negatives():
    queries, keys = region_case(0, [3, 3], 1.0)
    both = region_loss(queries, keys, keys, TEMPERATURE)
    alone = [
        region_loss(queries[i : i + 1], one, one, TEMPERATURE).loss
        for i in range(2)
        for one in [RegionKeys(*(t[i : i + 1] for t in keys))]
    ]
    torch.testing.assert_close(both.loss, torch.stack(alone).mean())


def test_half_precision_features_are_compared_in_float32():
    queries, keys = region_case(0, [0, 1, 2], 1.0)
    half = region_loss(queries.bfloat16(), keys, keys, TEMPERATURE)
    assert half.loss.dtype == torch.float32
    full = region_loss(queries.bfloat16().float(), keys, keys, TEMPERATURE)
    assert torch.equal(half.loss, full.loss)
