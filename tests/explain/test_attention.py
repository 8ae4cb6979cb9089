import pytest
import torch
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone, BackboneConfig, build_backbone
from matl.explain.attention import attention_maps


def backbone(operator: str = "attention") -> AttentiveBackbone:
    settings = BackboneConfig("resnet10t", operator, at_strides=[16, 32])
    return build_backbone(settings, seed=0).eval()


def images() -> Tensor:
    return torch.rand(2, 1, 70, 101, generator=torch.Generator().manual_seed(0))


def test_each_operator_gives_a_map_that_sums_to_one() -> None:
    maps = attention_maps(backbone(), images())
    assert {stride: tuple(one.shape) for stride, one in maps.items()} == {
        16: (2, 5, 7),
        32: (2, 3, 4),
    }
    for one in maps.values():
        torch.testing.assert_close(one.sum(dim=(1, 2)), torch.ones(2))
        assert one.min() >= 0


def test_the_map_is_what_every_place_gives_in_every_head() -> None:
    network, pixels = backbone(), images()
    seen: list[Tensor] = []
    operator = network.operators["32"]
    hook = operator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(pixels)
        weights = operator.attention_weights(seen[0])
    hook.remove()
    heads, places = weights.shape[1:3]
    received = torch.zeros(2, places)
    for head in range(heads):
        for giving in range(places):
            received += weights[:, head, giving] / (heads * places)
    torch.testing.assert_close(attention_maps(network, pixels)[32].flatten(1), received)


def test_attention_without_preference_is_uniform() -> None:
    network = backbone()
    nn.init.zeros_(network.operators["16"].mix.query_key_value.weight)
    uniform = attention_maps(network, images())[16]
    torch.testing.assert_close(uniform, torch.full_like(uniform, 1 / 35))


@pytest.mark.parametrize("operator", ["convolution", "none"])
def test_other_arms_have_no_attention(operator: str) -> None:
    assert attention_maps(backbone(operator), images()) == {}


def test_the_network_is_left_as_it_was() -> None:
    network, pixels = backbone(), images()
    with torch.no_grad():
        before = network(pixels)[32]
        attention_maps(network, pixels)
        assert torch.equal(network(pixels)[32], before)
    assert not any(module._forward_pre_hooks for module in network.modules())
