"""Networks on visible patches alone, beside slow references."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from matl.backbones import AttentiveBackbone, BackboneConfig, build_backbone
from matl.backbones.operators import build_operator
from matl.stages.ssl.masking import PatchRestorer, Visible, hiding, masked_maps, patch_error

NETWORKS = [
    ("resnet10t", "attention"),
    ("resnet10t", "convolution"),
    ("resnet18", "none"),
    ("tf_efficientnet_lite0", "attention"),
    ("monai/densenet121", "none"),
]
everywhere = pytest.mark.parametrize(("name", "operator"), NETWORKS)


def build(name: str, operator: str) -> AttentiveBackbone:
    return build_backbone(BackboneConfig(name, operator=operator), 0)


def images(count: int = 2) -> Tensor:
    return torch.rand(count, 1, 96, 128, generator=torch.Generator().manual_seed(1))


def some(count: int = 2) -> Visible:
    """Five of 12 patches of each image."""
    drawn = torch.rand(count, 12, generator=torch.Generator().manual_seed(2)).argsort(1)
    return Visible((drawn < 5).view(count, 1, 3, 4))


def repainted(x: Tensor, visible: Visible) -> Tensor:
    """Other pixels in hidden patches."""
    return torch.where(visible.places(x), x, 1 - x)


@everywhere
@pytest.mark.parametrize("training", [True, False])
def test_hidden_pixels_reach_no_map_and_no_prediction(
    name: str, operator: str, training: bool
) -> None:
    backbone, visible, x = build(name, operator), some(), images()
    restorer = PatchRestorer(backbone.channels, 16, 1)
    for module in (backbone, restorer):
        module.train(training)
    maps = masked_maps(backbone, x, visible)
    others = masked_maps(backbone, repainted(x, visible), visible)
    for stride, values in maps.items():
        assert values.shape[2:] == (96 // stride, 128 // stride)
        assert not values[~visible.places(values).expand_as(values)].any(), "hidden places are 0"
        assert values.any()
        assert torch.equal(values, others[stride])
    first = restorer(maps, visible, (96, 128))
    assert torch.equal(first, restorer(others, visible, (96, 128)))
    seen = masked_maps(backbone, torch.where(visible.places(x), 1 - x, x), visible)
    assert all(not torch.equal(values, seen[stride]) for stride, values in maps.items())


@everywhere
@pytest.mark.parametrize("training", [True, False])
def test_with_nothing_hidden_it_is_the_dense_pass(name: str, operator: str, training: bool) -> None:
    exact = operator == "none"  # operators are for float32
    kind, near = (torch.float64, 1e-7) if exact else (torch.float32, 1e-3)
    dense, masked = (build(name, operator).to(kind).train(training) for _ in range(2))
    x = images().to(kind)
    expected = dense(x)
    everything = Visible(torch.ones(2, 1, 3, 4, dtype=torch.bool))
    for stride, values in masked_maps(masked, x, everything).items():
        torch.testing.assert_close(values, expected[stride], rtol=near, atol=near)
    for key, value in masked.state_dict().items():
        torch.testing.assert_close(value, dense.state_dict()[key], rtol=near, atol=near)


@everywhere
def test_running_statistics_are_those_of_visible_places(name: str, operator: str) -> None:
    backbone, visible = build(name, operator), some()
    norms = {key: one for key, one in backbone.named_modules() if isinstance(one, _BatchNorm)}
    expected = {}

    def expect(key: str, given: Tensor) -> None:
        """Each visible place of each image, one by one."""
        rows = [
            given[image, :, row, column]
            for image, _, row, column in visible.places(given).nonzero().tolist()
        ]
        variance, mean = torch.var_mean(torch.stack(rows), dim=0)
        norm = norms[key]
        expected[key] = (
            torch.lerp(norm.running_mean, mean, norm.momentum),
            torch.lerp(norm.running_var, variance, norm.momentum),
        )

    for key, norm in norms.items():
        norm.register_forward_pre_hook(lambda layer, given, key=key: expect(key, given[0]))
    masked_maps(backbone, images(), visible)
    assert set(expected) == set(norms)
    for key, (mean, variance) in expected.items():
        torch.testing.assert_close(norms[key].running_mean, mean)
        torch.testing.assert_close(norms[key].running_var, variance)
        assert norms[key].num_batches_tracked == 1


def slow_convolution(layer: nn.Conv2d, x: Tensor, known: Tensor, shown: Tensor) -> Tensor:
    """Each visible place from its visible neighbours, one by one, [C, H, W] of one image."""
    side, stride, pad = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    result = torch.zeros(layer.out_channels, *shown.shape)
    for row, column in shown.nonzero().tolist():
        total = layer.bias.clone()
        for dy in range(side):
            for dx in range(side):
                y, z = row * stride + dy - pad, column * stride + dx - pad
                inside = 0 <= y < x.shape[1] and 0 <= z < x.shape[2]
                if inside and known[y, z]:
                    total += layer.weight[:, :, dy, dx] @ x[:, y, z]
        result[:, row, column] = total
    return result


def test_layers_take_from_visible_neighbours_alone() -> None:
    """Two convolutions with biases, of which the second would see what the first leaves."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 2, 3, stride=2, padding=1)
        x = torch.randn(1, 2, 8, 8)
    visible = Visible(torch.tensor([[[[True, False], [True, True]]]]))
    shown = visible.places(x)
    with torch.no_grad(), hiding(nn.ModuleList([first, second]), visible):
        found = second(first(x * shown).relu())
    middle = slow_convolution(first, x[0], shown[0, 0], shown[0, 0]).relu()
    coarse = visible.places(found)[0, 0]
    torch.testing.assert_close(found[0], slow_convolution(second, middle, shown[0, 0], coarse))


def test_attention_takes_from_visible_places_alone() -> None:
    attention = build_operator("attention", 64, gate=0.1, drop=0.0).mix
    visible = some()
    x = torch.randn(2, 64, 6, 8, generator=torch.Generator().manual_seed(0))
    shown = visible.places(x)
    weights = attention.weights(x) * shown.flatten(2)[:, None]
    expected = attention.mix_with(weights / weights.sum(-1, keepdim=True), x)
    with hiding(nn.ModuleList([attention]), visible):
        found = attention(x)
    torch.testing.assert_close(found * shown, expected * shown)
    assert not torch.allclose(attention(x) * shown, expected * shown, atol=1e-3)


def changed(backbone: nn.Module) -> Iterator[nn.Module]:
    return (layer for layer in backbone.modules() if "forward" in vars(layer))


def test_the_network_is_as_before_afterwards_even_after_an_error() -> None:
    backbone = build("resnet10t", "attention")
    keys, parameters = list(backbone.state_dict()), list(map(id, backbone.parameters()))
    expected = backbone.eval()(images())
    with hiding(backbone, some()):
        assert any(changed(backbone))
        assert list(backbone.state_dict()) == keys
    with pytest.raises(ValueError, match="channels"):
        masked_maps(backbone, torch.rand(2, 3, 96, 128), some())
    assert not any(changed(backbone))
    assert list(map(id, backbone.parameters())) == parameters
    for stride, values in backbone(images()).items():
        assert torch.equal(values, expected[stride])


def test_a_compiled_backbone_is_masked_too() -> None:
    backbone, visible = build("resnet10t", "attention").eval(), some()
    expected = masked_maps(backbone, images(), visible)
    backbone.compile(backend="eager")
    backbone(images())
    for stride, values in masked_maps(backbone, images(), visible).items():
        assert torch.equal(values, expected[stride])


def test_hidden_places_are_filled_with_the_token_of_their_stride() -> None:
    restorer, visible = PatchRestorer({8: 3, 16: 5}, 16, 1), Visible(some().patches)
    maps = {8: torch.randn(2, 3, 12, 16), 16: torch.randn(2, 5, 6, 8)}
    for stride, filled in restorer.fill(maps, visible).items():
        for image, _, row, column in (~visible.places(filled)).nonzero().tolist():
            assert torch.equal(filled[image, :, row, column], restorer.tokens[str(stride)])
        rows = filled.permute(0, 2, 3, 1)[visible.places(filled)[:, 0]]
        torch.testing.assert_close(rows.mean(0), torch.zeros(rows.shape[1]), atol=1e-5, rtol=0)


def test_the_error_is_that_of_hidden_patches_each_normalised_by_itself() -> None:
    visible, x = some(), images()
    restored = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    errors, of_mean = [], []
    for image, _, row, column in (~visible.patches).nonzero().tolist():
        place = (image, 0, slice(32 * row, 32 * row + 32), slice(32 * column, 32 * column + 32))
        target = (x[place] - x[place].mean()) / (x[place].var() + 1e-6).sqrt()
        errors.append((restored[place] - target).square().mean())
        of_mean.append(target.square().mean())
    found = patch_error(restored, x, visible)
    torch.testing.assert_close(found, (torch.stack(errors).mean(), torch.stack(of_mean).mean()))
    assert of_mean[0].item() == pytest.approx(1, abs=0.01)


def test_patches_of_one_grey_level_have_no_target() -> None:
    visible = some()
    error, of_mean = patch_error(
        torch.zeros(2, 1, 96, 128), torch.full((2, 1, 96, 128), 0.3), visible
    )
    assert error.item() == pytest.approx(0, abs=1e-6)
    assert of_mean.item() == pytest.approx(0, abs=1e-6)
