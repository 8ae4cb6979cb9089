"""Small stages of self-supervised methods, and scans for them."""

import torch
from torch import Tensor

from matl.backbones import BackboneConfig, build_backbone
from matl.stages.base import Stage
from matl.stages.ssl.task import LungSSL

IMAGES = 16
SMALL = {
    **{name: {"size": 32} for name in ("simclr", "rotation", "restoration")},
    "jigsaw": {"size": 114, "permutations": 8, "width": 64},
}
"""What makes a method quick, or what it needs more than others do; 64 pixels else."""


def build(name: str, seed: int = 0, **settings: object) -> Stage:
    """A small stage of a method, with its defaults but where `settings` says otherwise."""
    method = LungSSL.chosen({"method": name})
    wanted = {"part": 3, "task": "lung_ssl", "method": name, "epochs": 30, "batch_size": 16}
    small = {"lr": 1e-3, "size": 64, **SMALL.get(name, {})}
    config = method.settings(**{**wanted, **small, **settings})
    backbone = build_backbone(BackboneConfig(name="resnet10t"), seed)
    return method.stage_class({})(backbone, config, seed, images=IMAGES)


def scans(count: int = IMAGES) -> dict[str, Tensor]:
    """Blobs at random places on a dark ground, each scan its own."""
    draw = torch.Generator().manual_seed(3)
    line = torch.linspace(-1, 1, 64)
    x, y = torch.meshgrid(line, line, indexing="xy")
    image = torch.zeros(count, 1, 64, 64)
    for _ in range(5):
        place = 1.6 * torch.rand(2, count, 1, 1, 1, generator=draw) - 0.8
        width = 0.1 + 0.3 * torch.rand(count, 1, 1, 1, generator=draw)
        image += torch.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / width**2)
    return {
        "image": (image.clamp(0, 1) * 255).to(torch.uint8),
        "index": torch.arange(count),
        "group": torch.arange(count) // 2,
    }
