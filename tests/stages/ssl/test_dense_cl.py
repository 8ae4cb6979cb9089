"""DenseCL's loss against a slow reference, and what its queues hold."""

import pytest
import torch
from methods import build, move_teacher, show_these_views, two_views
from slow_losses import cosine, info_nce, mean

from matl.stages.ssl.dense_cl import DenseCLConfig
from matl.stages.ssl.stage import MethodStage


def places(stage: MethodStage, view: torch.Tensor, taught: bool) -> tuple[torch.Tensor, ...]:
    """Features and their dense projections at each place of the last map, [B, N, C] each."""
    networks = stage.teacher if taught else {"backbone": stage.backbone, **stage.heads}
    seen = networks["backbone"](view)[stage.backbone.last_stride].flatten(2).transpose(1, 2)
    return seen, networks["dense"](seen)


def test_places_agree_with_the_most_similar_place_of_the_other_view() -> None:
    stage, batch = show_these_views(build("dense_cl", dense=0.25)), two_views()
    move_teacher(stage)
    for seed, first_scan in ((5, 2), (6, 40)):  # two of the first queued scans come again
        earlier = two_views(seed=seed)
        stage.loss(earlier | {"index": earlier["index"] + first_scan})
    queues = {name: stage.heads[name] for name in ("queue", "dense_queue")}
    owners = queues["queue"].scans[:8].tolist()
    assert owners == queues["dense_queue"].scans[:8].tolist() == [2, 3, 4, 5, 40, 41, 42, 43]
    whole, dense = [], []
    with torch.no_grad():
        queries, keys = stage.project(batch["first"]), stage.teach(batch["second"])
        seen, projected = places(stage, batch["first"], taught=False)
        taught, targets = places(stage, batch["second"], taught=True)
    assert seen.shape[1] == 4
    for i in range(4):
        held = [k for k, owner in enumerate(owners) if owner != i]
        against = [cosine(queries[i], queues["queue"].keys[k]) for k in held]
        whole.append(info_nce(cosine(queries[i], keys[i]), against, DenseCLConfig.temperature))
        for n in range(4):
            best = max(range(4), key=lambda m: cosine(seen[i, n], taught[i, m]))
            same = cosine(projected[i, n], targets[i, best])
            against = [cosine(projected[i, n], queues["dense_queue"].keys[k]) for k in held]
            dense.append(info_nce(same, against, DenseCLConfig.temperature))
    expected = 0.75 * mean(whole) + 0.25 * mean(dense)
    assert stage.loss(batch).item() == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(queues["dense_queue"].keys[8:12], targets.mean(1))
    torch.testing.assert_close(queues["queue"].keys[8:12], keys)
