"""The order of the tiles of a view."""

import pytest
import torch
from methods import build, scans
from torch.nn import functional as F

from matl.backbones import BackboneConfig
from matl.errors import SettingError
from matl.stages.ssl.jigsaw import Jigsaw, JigsawConfig, tile_side
from matl.stages.ssl.puzzle import cut_tiles, normalize_tiles


def settings(**changed: object) -> JigsawConfig:
    return JigsawConfig(**{"part": 3, "task": "lung_ssl", "epochs": 1, **changed})


def test_the_loss_names_the_order_in_which_tiles_are_shown_one_by_one() -> None:
    stage, batch = build("jigsaw").eval(), scans(4)
    [view] = stage.views(batch, count=1)
    generator = stage.method_generator()
    answers = torch.randint(8, (4,), generator=generator)
    network, head, losses = stage.backbone.network, stage.heads["puzzle"], []
    for tiles, answer in zip(normalize_tiles(cut_tiles(view, generator)), answers, strict=True):
        features = []
        for number in head.permutations[answer]:
            x = tiles[number][None]  # the network's own normalisation changes nothing
            for step, stride in network.steps:
                x = network.get_submodule(step)(x)
                if str(stride) in stage.backbone.operators:
                    x = stage.backbone.operators[str(stride)](x)
            features.append(x.mean((2, 3)))
        logits = head(torch.stack(features, dim=1))
        losses.append(F.cross_entropy(logits, answer[None]))
    torch.testing.assert_close(stage.loss(batch), torch.stack(losses).mean())


def test_both_the_orders_and_the_accuracy_beside_chance_vary() -> None:
    stage = build("jigsaw", permutations=2)
    losses = set()
    for step in range(3):
        stage._batch_index = step
        losses.add(stage.loss(scans()).item())
    assert len(losses) == 3
    total, images = stage._recorded["jigsaw/chance"]
    assert total / images == 0.5
    total, images = stage._recorded["jigsaw/accuracy"]
    assert 0 < total / images < 1


def test_tiles_that_are_too_small_for_the_network_are_refused() -> None:
    assert tile_side(225) == 64  # the paper's
    with pytest.raises(SettingError, match=r"size: 113 pixels give tiles of 31.*use at least 114"):
        Jigsaw.check_settings(settings(size=[200, 113]), (16, 32))
    with pytest.raises(SettingError, match="below the network's 64; use at least 225"):
        Jigsaw.check_settings(settings(size=200), (32, 64))
    Jigsaw.check_settings(settings(size=114), (16, 32))


def test_a_network_that_takes_one_size_is_refused() -> None:
    Jigsaw.check_network(settings(), BackboneConfig("resnet18"))
    with pytest.raises(SettingError, match="method: jigsaw shows tiles, and botnet26t_256 takes"):
        Jigsaw.check_network(settings(), BackboneConfig("botnet26t_256"))
