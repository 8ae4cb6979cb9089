import copy

import pytest
import torch
from torch import Tensor, nn

from matl.backbones.operators import Operator, build_operator, operator_width
from matl.seeding import draw_by_name

KINDS = ("attention", "convolution")
CHANNELS = 64
SIZES = [(1, 1), (2, 2), (5, 3), (1, 7), (16, 16)]


def operator(kind: str, gate: float = 0.1, drop: float = 0.0) -> Operator:
    built = build_operator(kind, CHANNELS, gate, drop)
    draw_by_name(built, 0, "operators.16")
    return built


def maps(height: int = 4, width: int = 6, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.randn(count, CHANNELS, height, width, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
def test_forward__one_operator_takes_maps_of_every_size(kind: str) -> None:
    same = operator(kind)
    keys = set(same.state_dict())
    for height, width in SIZES:
        x = maps(height, width)
        assert same(x).shape == x.shape
    assert set(same.state_dict()) == keys


@pytest.mark.parametrize("kind", KINDS)
def test_forward__gate_at_zero_changes_no_bit(kind: str) -> None:
    closed, x = operator(kind, gate=0.0), maps()
    assert torch.equal(closed(x), x)
    assert not torch.equal(operator(kind)(x), x)


@pytest.mark.parametrize("kind", KINDS)
def test_forward__bfloat16_autocast_is_near_float32(kind: str) -> None:
    same, x = operator(kind, gate=1.0).eval(), maps(8, 8)
    exact = same(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = same(x)
    assert (rough - exact).abs().mean() < 0.02 * (exact - x).abs().mean()


@pytest.mark.parametrize("kind", KINDS)
def test_forward__memory_format_does_not_matter(kind: str) -> None:
    same, x = operator(kind, gate=1.0), maps()
    torch.testing.assert_close(same(x.to(memory_format=torch.channels_last)), same(x))


@pytest.mark.parametrize("kind", KINDS)
def test_forward__trains_at_a_size_first_seen_in_inference_mode(kind: str) -> None:
    same, x = operator(kind), maps(3, 11)
    with torch.inference_mode():
        same(x)
    same(x).sum().backward()
    assert same.reduce.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_forward__drop_path_drops_whole_samples_in_training_only(kind: str) -> None:
    dropping, x = operator(kind, gate=1.0, drop=0.5), maps(2, 2, count=32)
    whole = dropping.eval()(x)
    torch.testing.assert_close(whole, operator(kind, gate=1.0)(x))
    torch.manual_seed(0)
    out = dropping.train()(x)
    kept = (out - x).flatten(1).abs().sum(1) > 0
    assert 0 < kept.sum() < 32
    torch.testing.assert_close(out[kept], (2 * whole - x)[kept])
    assert torch.equal(out[~kept], x[~kept])


def test_attention__explicit_weights_equal_the_fast_path() -> None:
    attention, x = operator("attention"), maps(5, 3)
    inner = attention.reduce(attention.norm(x))
    weights = attention.attention_weights(x)
    assert weights.shape == (2, 2, 15, 15)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 15))
    explicit = attention.mix.mix_with(weights, inner)
    torch.testing.assert_close(explicit, attention.mix(inner))


def test_attention__position_is_relative() -> None:
    height, width = 4, 5
    uniform = maps(1, 1, count=1).expand(1, CHANNELS, height, width)
    logits = operator("attention").attention_weights(uniform)[0].log()
    logits = logits - logits.diagonal(dim1=1, dim2=2).unsqueeze(-1)
    grid = logits.view(-1, height, width, height, width)
    for down, right in [(0, 1), (1, 0), (2, 3), (1, -2)]:
        scores = torch.stack(
            [
                grid[:, y, x, y + down, x + right]
                for y in range(height - down)
                for x in range(max(0, -right), width - max(0, right))
            ]
        )
        torch.testing.assert_close(scores, scores[:1].expand_as(scores), rtol=1e-3, atol=1e-4)
        assert scores.abs().max() > 1e-3


def test_attention__takes_from_the_named_places_alone() -> None:
    attention, inner = operator("attention").mix, maps(3, 4)
    keys = torch.rand(2, 1, 3, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    weights = attention.weights(inner) * keys.flatten(2)[:, None]
    expected = attention.mix_with(weights / weights.sum(-1, keepdim=True), inner)
    torch.testing.assert_close(attention(inner, keys=keys), expected)
    torch.testing.assert_close(attention(inner, keys=torch.ones_like(keys)), attention(inner))


def test_attention__moving_the_places_is_noticed() -> None:
    attention, x = operator("attention", gate=1.0), maps(4, 4)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    moved = x.flatten(2)[:, :, order].view_as(x)
    moved_after = attention(x).flatten(2)[:, :, order].view_as(x)
    assert (attention(moved) - moved_after).abs().mean() > 1e-2


def test_attention__reaches_across_the_whole_map() -> None:
    attention, x = operator("attention", gate=1.0), maps(12, 12)
    changed = x.clone()
    changed[..., 0, 0] += 10 * maps(1, 1)[..., 0, 0]
    assert (attention(changed) - attention(x))[..., 11, 11].abs().max() > 0


def test_attention__has_no_convolution_beyond_one_place() -> None:
    kernels = [m.kernel_size for m in operator("attention").modules() if isinstance(m, nn.Conv2d)]
    assert set(kernels) == {(1, 1)}


def test_convolution__sees_its_neighbourhood_only() -> None:
    convolution, x = operator("convolution", gate=1.0), maps(12, 12)
    changed = x.clone()
    changed[..., 0, 0] += 10 * maps(1, 1)[..., 0, 0]
    difference = (convolution(changed) - convolution(x)).abs().amax((0, 1))
    assert (difference[:3, :3] > 0).all()
    assert (difference[3:] == 0).all()
    assert (difference[:, 3:] == 0).all()


def test_convolution__has_no_attention_weights() -> None:
    with pytest.raises(TypeError, match="no attention weights"):
        operator("convolution").attention_weights(maps())


@pytest.mark.parametrize("channels", [24, 64, 112, 160, 256, 320, 512, 1024, 2048])
def test_build_operator__parameters_match_within_five_per_cent(channels: int) -> None:
    attention, convolution = (
        sum(p.numel() for p in build_operator(kind, channels, 0.1, 0.0).parameters())
        for kind in KINDS
    )
    assert convolution == pytest.approx(attention, rel=0.05)
    assert operator_width(channels) % 32 == 0


@pytest.mark.parametrize("kind", KINDS)
def test_contribution__is_the_share_of_the_branch_in_the_last_training_forward(kind: str) -> None:
    same, x = operator(kind, gate=0.3, drop=0.5), maps()
    assert same.contribution.isnan()
    same(x)
    branch = same.eval()(x) - x
    expected = branch.abs().mean() / x.abs().mean()
    torch.testing.assert_close(same.contribution, expected)
    same(maps(8, 8))
    torch.testing.assert_close(same.contribution, expected)
    assert not same.contribution.requires_grad
    assert "contribution" not in same.state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_deepcopy__is_independent(kind: str) -> None:
    first, x = operator(kind), maps()
    expected = first(x)
    second = copy.deepcopy(first)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    assert torch.equal(second(x), expected)


def test_initial_weights__common_layers_start_alike() -> None:
    attention, convolution = operator("attention"), operator("convolution")
    for layer in ("reduce", "expand"):
        shared = attention.get_submodule(layer).weight
        assert torch.equal(shared, convolution.get_submodule(layer).weight)
