"""MoCo's loss against a slow reference, and what its queue holds."""

import pytest
import torch
from methods import IMAGES, build, move_teacher, show_these_views, two_views
from slow_losses import cosine, info_nce, mean

from matl.stages.ssl.moco import MoCo, MoCoConfig
from matl.stages.ssl.queue import KeyQueue


def filled(queue: KeyQueue, owners: list[int]) -> torch.Tensor:
    """Keys of these scans, which are stored in the queue."""
    keys = torch.randn(len(owners), queue.keys.shape[1], generator=torch.Generator().manual_seed(2))
    queue.push(keys, torch.tensor(owners), torch.tensor(owners))
    return keys


def test_a_query_is_told_from_the_queued_keys_of_all_other_scans() -> None:
    stage, batch = show_these_views(build("moco")), two_views()
    move_teacher(stage)
    owners = [2, 30, 31, 2, 0, 33]
    queued = filled(stage.heads["queue"], owners)
    with torch.no_grad():
        queries, keys = stage.project(batch["first"]), stage.teach(batch["second"])
    assert not torch.allclose(keys, stage.project(batch["second"]))
    expected = []
    for i, (query, key) in enumerate(zip(queries, keys, strict=True)):
        others = [cosine(query, queued[k]) for k, owner in enumerate(owners) if owner != i]
        expected.append(info_nce(cosine(query, key), others, MoCoConfig.temperature))
    assert stage.loss(batch).item() == pytest.approx(mean(expected), rel=1e-5)
    queue = stage.heads["queue"]
    assert queue.scans[6:10].tolist() == [0, 1, 2, 3]
    torch.testing.assert_close(queue.keys[6:10], keys)


def test_the_first_step_has_no_negatives_and_no_gradient() -> None:
    stage = show_these_views(build("moco"))
    loss = stage.loss(two_views())
    loss.backward()
    assert loss == 0
    assert all(one.grad.abs().sum() == 0 for one in stage.heads["projection"].parameters())


def test_the_queue_holds_at_most_a_quarter_of_the_images() -> None:
    assert len(build("moco").heads["queue"].scans) == IMAGES // 4
    assert len(build("moco", queue=5).heads["queue"].scans) == 5


def test_the_teacher_keeps_the_same_share_throughout() -> None:
    config = build("moco", momentum=0.9).config
    assert {MoCo.keep(config, step, 10) for step in range(10)} == {0.9}
