"""A light decoder over maps of any strides and sizes."""

import pytest
import torch

from matl.backbones import BackboneConfig, build_backbone
from matl.stages.ssl.decoder import Decoder

NETWORKS = ("resnet10t", "convnext_atto", "monai/resnet10")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(64, 96), (70, 45)])
def test_it_returns_an_image_of_the_size_whatever_the_strides(
    name: str, size: tuple[int, int]
) -> None:
    backbone = build_backbone(BackboneConfig(name, operator="none", at_strides=[]), 0)
    decoder = Decoder(backbone.channels, width=32, outputs=2)
    maps = {at: x.detach() for at, x in backbone(torch.rand(2, 1, *size)).items()}
    image = decoder(maps, size)
    assert image.shape == (2, 2, *size)
    image.square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in decoder.parameters())


def test_it_looks_at_the_map_of_every_stride() -> None:
    decoder = Decoder({2: 3, 8: 5}, width=16, outputs=1).eval()
    maps = {2: torch.rand(1, 3, 16, 16), 8: torch.rand(1, 5, 4, 4)}
    image = decoder(maps, (32, 32))
    for stride in maps:
        assert not torch.equal(decoder(maps | {stride: 0 * maps[stride]}, (32, 32)), image)


def test_it_is_light() -> None:
    """Beside a ResNet-18 of 11.2 million."""
    decoder = Decoder({2: 64, 4: 64, 8: 128, 16: 256, 32: 512}, width=256, outputs=1)
    assert sum(p.numel() for p in decoder.parameters()) < 1_000_000
