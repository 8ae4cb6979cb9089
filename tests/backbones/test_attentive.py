import copy
from collections.abc import Iterator
from functools import cache

import pytest
import timm
import torch
from timm.layers import convert_sync_batchnorm
from torch import nn

from matl.backbones import (
    AttentiveBackbone,
    BackboneConfig,
    build_backbone,
    canonical_state,
    feature_maps,
)

NETWORKS = ("resnet18", "resnet50", "densenet121", "efficientnet_b0", "convnext_atto")
OPERATORS = ("attention", "convolution", "none")
SLOW_BUT_ONE = [
    name if name == "resnet18" else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def shared(name: str = "resnet18", operator: str = "attention") -> AttentiveBackbone:
    """A backbone that tests may run, and must not change."""
    return build_backbone(BackboneConfig(name, operator), seed=0).eval()


def fresh(name: str = "resnet18", operator: str = "attention") -> AttentiveBackbone:
    return copy.deepcopy(shared(name, operator))


def images(height: int = 64, width: int = 96, channels: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, channels, height, width, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_forward__without_operators_equals_timm(name: str, channels: int) -> None:
    backbone = build_backbone(BackboneConfig(name, "none", in_channels=channels), seed=0).eval()
    reference = timm.create_model(name, features_only=True, in_chans=channels).eval()
    flat = {key.replace(".", "_"): value for key, value in canonical_state(backbone).items()}
    reference.load_state_dict({key: flat[key.replace(".", "_")] for key in reference.state_dict()})
    colours = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    mean, std = (torch.tensor(colour).view(3, 1, 1) for colour in colours)
    if channels == 1:
        mean, std = mean.mean(), std.mean()
    with torch.no_grad():
        expected = reference((images(channels=channels) - mean) / std)
        maps = backbone(images(channels=channels))
    assert list(maps) == reference.feature_info.reduction()
    if tail := feature_maps(name).tail:
        with torch.no_grad():
            expected[-1] = nn.Sequential(*map(backbone.network.get_submodule, tail))(expected[-1])
    assert {stride: m.shape[1] for stride, m in maps.items()} == backbone.channels
    assert backbone.num_features == expected[-1].shape[1]
    for given, wanted in zip(maps.values(), expected, strict=True):
        torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (100, 75), (512, 64), (33, 200)])
@pytest.mark.parametrize("name", NETWORKS)
def test_forward__one_backbone_takes_images_of_every_size(name: str, size: tuple[int, int]) -> None:
    with torch.no_grad():
        maps = shared(name)(images(*size)[:1])
    for stride, feature_map in maps.items():
        for side, pixels in zip(feature_map.shape[2:], size, strict=True):
            assert abs(side - pixels / stride) <= 1
        assert feature_map.isfinite().all()


@pytest.mark.parametrize("operator", ["attention", "convolution"])
@pytest.mark.parametrize("name", NETWORKS)
def test_forward__operators_feed_the_next_stage(name: str, operator: str) -> None:
    backbone = fresh(name, operator)
    with torch.no_grad():
        before = backbone(images())
        nn.init.ones_(backbone.operators["16"].gate)
        after = backbone(images())
    changed = {stride: not torch.equal(before[stride], after[stride]) for stride in before}
    assert changed == {stride: stride >= 16 for stride in before}


@pytest.mark.parametrize("stride", [4, 8, 16, 32])
def test_forward__operators_stand_at_the_chosen_strides(stride: int) -> None:
    backbone = build_backbone(BackboneConfig(at_strides=[stride]), seed=0).eval()
    assert list(backbone.operators) == [str(stride)]
    plain, attentive = shared(operator="none")(images()), backbone(images())
    for s in plain:
        assert torch.equal(plain[s], attentive[s]) == (s < stride)


def test_forward__refuses_images_of_other_channels() -> None:
    with pytest.raises(ValueError, match="takes images of 1 channels, not 3"):
        shared()(images(channels=3))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", SLOW_BUT_ONE)
def test_training__every_parameter_learns_after_one_step(name: str, operator: str) -> None:
    backbone = fresh(name, operator).train()
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=1e-3)
    weights = torch.randn(backbone.num_features, generator=torch.Generator().manual_seed(1))
    for _ in range(2):
        optimizer.zero_grad()
        pooled = backbone(images(64, 64))[32].mean((2, 3))
        (pooled @ weights).square().mean().backward()
        optimizer.step()
    still = [n for n, p in backbone.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_training__bfloat16_and_channels_last() -> None:
    backbone = fresh().train().to(memory_format=torch.channels_last)
    batch = images().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        maps = backbone(batch)
    assert maps[32].dtype == torch.bfloat16
    assert maps[16].is_contiguous(memory_format=torch.channels_last)
    maps[32].float().sum().backward()
    assert all(p.grad.isfinite().all() for p in backbone.parameters())


@pytest.mark.slow
def test_training__compiles_to_one_graph() -> None:
    backbone = fresh()
    compiled = torch.compile(backbone, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(images())[32], backbone(images())[32])


@pytest.mark.parametrize("name", NETWORKS)
def test_deepcopy__is_independent(name: str) -> None:
    backbone = fresh(name)
    twin = copy.deepcopy(backbone)
    with torch.no_grad():
        expected = twin(images())
        for parameter in backbone.parameters():
            parameter.zero_()
        after = twin(images())
        emptied = backbone(images())
    assert all(torch.equal(after[stride], expected[stride]) for stride in expected)
    assert not emptied[32].any()


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights__arms_share_every_common_weight(name: str) -> None:
    attention, convolution, none = (canonical_state(shared(name, op)) for op in OPERATORS)
    assert all(torch.equal(none[key], attention[key]) for key in none)
    common = attention.keys() & convolution.keys()
    assert {key.split(".", 2)[2] for key in common if key.startswith("operators.")} == {
        "gate",
        *("norm.weight", "norm.bias", "mixed_norm.weight", "mixed_norm.bias"),
        *("reduce.weight", "expand.weight"),
    }
    assert all(torch.equal(attention[key], convolution[key]) for key in common)


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights__operators_of_both_kinds_contribute_alike(name: str) -> None:
    attention, convolution = (fresh(name, operator).train() for operator in OPERATORS[:2])
    attention(images())
    convolution(images())
    for stride in ("16", "32"):
        shares = [arm.operators[stride].contribution for arm in (attention, convolution)]
        assert min(shares) > 0.03
        assert max(shares) < 1.25 * min(shares)


def test_initial_weights__a_function_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    again = canonical_state(build_backbone(BackboneConfig(), seed=0))
    assert torch.equal(torch.get_rng_state(), state)
    other = canonical_state(build_backbone(BackboneConfig(), seed=1))
    first = canonical_state(shared())
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = [key for key in first if first[key].ndim == 4 and key not in ("mean", "std")]
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


def test_initial_weights__an_operator_does_not_depend_on_the_others() -> None:
    alone = build_backbone(BackboneConfig(at_strides=[32]), seed=0).operators["32"].state_dict()
    both = shared().operators["32"].state_dict()
    assert all(torch.equal(alone[key], both[key]) for key in alone)


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_gates__start_open_from_scratch(operator: str) -> None:
    for inserted in shared(operator=operator).operators.values():
        assert torch.equal(inserted.gate, torch.full_like(inserted.gate, 0.1))


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_config__drop_path_keeps_weights_and_evaluation(name: str) -> None:
    dropping = build_backbone(BackboneConfig(name, drop_path=0.5), seed=0)
    torch.testing.assert_close(dropping.eval()(images())[32], shared(name)(images())[32])
    assert dropping.operators["16"].drop_path.drop_prob == 0.5


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_freeze__outlives_the_conversion_of_norms(name: str) -> None:
    """Norms of several GPUs are replaced; what was frozen stays so, and outputs stay the same."""
    backbone = fresh(name)
    backbone.freeze(32)
    with torch.no_grad():
        expected = backbone(images())[32]
        converted = convert_sync_batchnorm(backbone)
        torch.testing.assert_close(converted(images())[32], expected)
    converted.train()
    norms = [m for m in converted.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert not any(p.requires_grad for p in converted.parameters())
