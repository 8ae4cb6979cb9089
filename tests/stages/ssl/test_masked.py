"""Hidden patches, and the networks and sizes that can have them."""

from pathlib import Path

import pytest
import torch
from methods import build, scans

from matl.config import load_experiment
from matl.errors import MatlError, SettingError
from matl.stages.ssl.masked import Masked, MaskedConfig
from matl.stages.ssl.masking import masked_maps, patch_error


def settings(**changed: object) -> MaskedConfig:
    return MaskedConfig(**{"part": 3, "task": "lung_ssl", "epochs": 1, **changed})


def test_the_loss_is_the_error_of_hidden_patches() -> None:
    stage, batch = build("masked", size=96).eval(), scans()
    [view] = stage.views(batch, count=1)
    visible = Masked.draw_visible(stage, view)
    maps = masked_maps(stage.backbone, view, visible)
    restored = stage.heads["restorer"](maps, visible, (96, 96))
    error, of_mean = patch_error(restored, view, visible)
    torch.testing.assert_close(stage.loss(batch), error)
    total, images = stage._recorded["masked/explained"]
    torch.testing.assert_close(total / images, 1 - error / of_mean)


@pytest.mark.parametrize(
    ("size", "hidden", "shown"), [(192, 0.6, 14), (64, 0.99, 1), (64, 0.01, 3)]
)
def test_as_many_patches_of_each_scan_are_visible(size: int, hidden: float, shown: int) -> None:
    stage = build("masked", size=size, hidden=hidden)
    [view] = stage.views(scans(), count=1)
    patches = Masked.draw_visible(stage, view).patches
    assert patches.shape == (16, 1, size // 32, size // 32)
    assert (patches.sum((1, 2, 3)) == shown).all()
    assert len(patches.flatten(1).unique(dim=0)) > 1
    stage._batch_index = 1
    assert not torch.equal(Masked.draw_visible(stage, view).patches, patches)


def test_sizes_of_no_whole_patches_are_refused() -> None:
    with pytest.raises(
        SettingError, match=r"size: 100 is no two or more whole patches of 32.*use 96"
    ):
        Masked.check_settings(settings(size=100), (16, 32))
    with pytest.raises(SettingError, match=r"size: 32 is no two or more whole patches.*use 64"):
        Masked.check_settings(settings(size=32), (16, 32))
    Masked.check_settings(settings(size=[96, 128]), (16, 32))
    Masked.check_settings(settings(size=208), (8, 16))


def test_an_experiment_is_refused_before_anything_trains(tiny_file: Path) -> None:
    chosen = ["stages.lung.method=masked", "stages.lung.size=64"]
    load_experiment(tiny_file, chosen)
    with pytest.raises(MatlError, match=r"stages\.lung\.method: .*efficientnet_b0"):
        load_experiment(tiny_file, [*chosen, "backbone.name=efficientnet_b0"])
