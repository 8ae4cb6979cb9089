"""SwAV's loss against a slow reference, with and without its queues, and its prototypes."""

import pytest
import torch
import torch.nn.functional as F
from methods import Later, build, show_these_views, two_views

from matl.stages.ssl.stage import MethodStage
from matl.stages.ssl.swav import QUEUES, SwAVConfig


def slow_codes(similar: torch.Tensor) -> torch.Tensor:
    """Sinkhorn's codes [N, K]: three times every prototype, then every image gets its share."""
    shares = (similar.double() / SwAVConfig.epsilon).exp()
    images, prototypes = shares.shape
    for _ in range(3):
        for k in range(prototypes):
            shares[:, k] /= shares[:, k].sum() * prototypes
        for i in range(images):
            shares[i] /= shares[i].sum() * images
    return shares * images


def slow_loss(stage: MethodStage, batch: dict[str, torch.Tensor], queued: bool) -> float:
    weights = F.normalize(stage.heads["prototypes"].heads[0].weight, dim=1)
    losses = []
    with torch.no_grad():
        similar = [
            F.normalize(stage.project(batch[name]), dim=1) @ weights.T
            for name in ("first", "second")
        ]
        for coded, predicted, queue in zip(similar, similar[::-1], QUEUES, strict=True):
            rows = [coded, stage.heads[queue].keys @ weights.T] if queued else [coded]
            codes = slow_codes(torch.cat(rows))[: len(coded)]
            for code, other in zip(codes, predicted.double(), strict=True):
                losses.append(-(code * (other / SwAVConfig.temperature).log_softmax(0)).sum())
    return torch.stack(losses).mean().item()


@pytest.mark.parametrize(("kind", "queued"), [(MethodStage, False), (Later, True)])
def test_a_view_predicts_the_balanced_code_of_the_other(
    kind: type[MethodStage], queued: bool
) -> None:
    stage = show_these_views(build("swav", kind=kind))
    for seed in range(4):
        stage.loss(two_views(seed=seed))  # fills the queues
    batch = two_views(seed=9)
    expected = slow_loss(stage, batch, queued)
    assert stage.loss(batch).item() == pytest.approx(expected, rel=1e-4)
    assert slow_loss(stage, batch, not queued) != pytest.approx(expected, rel=1e-4)


def test_a_queue_holds_unit_projections_of_its_own_view() -> None:
    stage, batch = show_these_views(build("swav")), two_views()
    stage.loss(batch)
    for name, queue in zip(("first", "second"), QUEUES, strict=True):
        held = stage.heads[queue]
        assert held.scans[:4].tolist() == [0, 1, 2, 3]
        with torch.no_grad():
            expected = F.normalize(stage.project(batch[name]), dim=1)
        torch.testing.assert_close(held.keys[:4], expected)


@pytest.mark.parametrize(("kind", "trained"), [(MethodStage, False), (Later, True)])
def test_prototypes_are_unit_vectors_and_frozen_at_first(
    kind: type[MethodStage], trained: bool
) -> None:
    stage = build("swav", kind=kind)
    stage.loss(two_views()).backward()
    (weight,) = stage.heads["prototypes"].parameters()
    torch.testing.assert_close(weight.norm(dim=1), torch.ones(len(weight)))
    assert (weight.grad is not None) == trained
