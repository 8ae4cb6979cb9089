"""Files of weights as the real libraries write them, and the maps of the networks they hold."""

from pathlib import Path

import pytorch_lightning as pl
import timm
import torch
import torchvision
import torchxrayvision
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def images(channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 64, 96, generator=torch.Generator().manual_seed(0))


def settled(network: nn.Module) -> nn.Module:
    """The network with norms that are not those of a new one."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, least in (
                (module.running_mean, 0.0),
                (module.running_var, 0.5),
                (module.weight, 0.5),
                (module.bias, 0.0),
            ):
                values.data.copy_(torch.rand(values.shape, generator=generator) + least)
    return network.eval()


def resnet_maps(network: nn.Module, given: Tensor | None = None) -> Tensor:
    given = (images() - MEAN) / STD if given is None else given
    x = network.maxpool(network.relu(network.bn1(network.conv1(given))))
    return network.layer4(network.layer3(network.layer2(network.layer1(x))))


def assert_equal(maps: Tensor, expected: Tensor) -> None:
    assert maps.shape == expected.shape
    assert (maps - expected).abs().max() < 1e-5 * expected.abs().max() > 0


def save(folder: Path, content: object) -> Path:
    torch.save(content, folder / "weights.pth")
    return folder / "weights.pth"


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + key: value for key, value in state.items()}


def timm_resnet(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(timm.create_model("resnet18"))
    path = folder / "timm.safetensors"
    save_file(network.state_dict(), path)
    return path, network.forward_features((images() - MEAN) / STD), "resnet18"


def timm_checkpoint(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(timm.create_model("resnet18"))
    path = save(folder, {"epoch": 3, "arch": "resnet18", "state_dict": network.state_dict()})
    return path, network.forward_features((images() - MEAN) / STD), "resnet18"


def torchvision_resnet(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(torchvision.models.resnet18())
    return save(folder, network.state_dict()), resnet_maps(network), "resnet18"


def torchvision_densenet(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(torchvision.models.densenet121())
    maps = F.relu(network.features((images() - MEAN) / STD))
    return save(folder, network.state_dict()), maps, "densenet121"


def old_torchvision_densenet(folder: Path) -> tuple[Path, Tensor, str]:
    """As the files that torchvision still downloads: norm.1 for norm1."""
    path, maps, name = torchvision_densenet(folder)
    state = torch.load(path, weights_only=True)
    old = {_dotted(key): value for key, value in state.items() if "num_batches" not in key}
    assert any("norm.1" in key for key in old)
    return save(folder, old), maps, name


def _dotted(key: str) -> str:
    if "denselayer" not in key:
        return key
    for word in ("norm", "conv"):
        for number in "12":
            key = key.replace(f".{word}{number}.", f".{word}.{number}.")
    return key


def radimagenet_densenet(folder: Path) -> tuple[Path, Tensor, str]:
    """The authors' Backbone: the children of torchvision's network, counted."""
    network = settled(torchvision.models.densenet121())
    backbone = nn.Module()
    backbone.backbone = nn.Sequential(*list(network.children())[:-1])
    maps = F.relu(network.features((images() - 0.5) / 0.5))
    return save(folder, backbone.state_dict()), maps, "densenet121"


def radimagenet_resnet(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(torchvision.models.resnet18())
    backbone = nn.Module()
    backbone.backbone = nn.Sequential(*list(network.children())[:9])
    maps = nn.Sequential(*list(network.children())[:8])((images() - 0.5) / 0.5)
    return save(folder, backbone.state_dict()), maps, "resnet18"


def xrayvision_densenet(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(torchxrayvision.models.DenseNet(weights=None))
    network.op_threshs = torch.full((18,), 0.5)
    scans = torchxrayvision.datasets.normalize(255 * images(1).numpy(), 255)
    maps = F.relu(network.features(torch.from_numpy(scans)))
    return save(folder, network.state_dict()), maps, "densenet121"


def xrayvision_resnet(folder: Path) -> tuple[Path, Tensor, str]:
    """As torchxrayvision.models.ResNet wraps torchvision's network, with one channel."""
    network = settled(torchvision.models.resnet18())
    network.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    wrapper = nn.Module()
    wrapper.model = network
    wrapper.register_buffer("op_threshs", torch.full((18,), 0.5))
    scans = torch.from_numpy(torchxrayvision.datasets.normalize(255 * images(1).numpy(), 255))
    return save(folder, wrapper.state_dict()), resnet_maps(network, scans), "resnet18"


def moco(folder: Path) -> tuple[Path, Tensor, str]:
    """The query encoder beside the key encoder and the queue, as MoCo's code saves them."""
    query, key = (settled(torchvision.models.resnet18(num_classes=128)) for _ in range(2))
    state = prefixed("module.encoder_k.", key.state_dict())
    state |= prefixed("module.encoder_q.", query.state_dict())
    state |= {"module.queue": torch.zeros(128, 8)}
    path = save(folder, {"epoch": 200, "arch": "resnet18", "state_dict": state})
    return path, resnet_maps(query), "resnet18"


class Learner(pl.LightningModule):
    """As lightly's examples begin: the children of torchvision's network, counted."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.Sequential(*list(network.children())[:-1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.06)


def checkpoint(module: pl.LightningModule, folder: Path) -> Path:
    """The file that Lightning's own trainer saves of a module."""
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(folder / "weights.ckpt", weights_only=True)
    return folder / "weights.ckpt"


def lightly_without_heads(folder: Path) -> tuple[Path, Tensor, str]:
    """Only the counted backbone in a checkpoint: no RadImageNet, which comes bare."""
    network = settled(torchvision.models.resnet18())
    return checkpoint(Learner(network), folder), resnet_maps(network), "resnet18"


def lightly_moco(folder: Path) -> tuple[Path, Tensor, str]:
    """As lightly's example of MoCo builds it: with a momentum copy, and lightly's heads."""
    from lightly.models.modules import MoCoProjectionHead
    from lightly.models.utils import deactivate_requires_grad

    network = settled(torchvision.models.resnet18())
    module = Learner(network)
    module.projection_head = MoCoProjectionHead(512, 512, 128)
    other = settled(torchvision.models.resnet18())
    module.backbone_momentum = nn.Sequential(*list(other.children())[:-1])
    deactivate_requires_grad(module.backbone_momentum)
    return checkpoint(module, folder), resnet_maps(network), "resnet18"


def named_backbone(folder: Path) -> tuple[Path, Tensor, str]:
    """As lightly's tutorials save a backbone: the children, counted, under a name of its own."""
    network = settled(torchvision.models.resnet18())
    state = nn.Sequential(*list(network.children())[:-1]).state_dict()
    return save(folder, {"resnet18_parameters": state}), resnet_maps(network), "resnet18"


def compiled_distributed(folder: Path) -> tuple[Path, Tensor, str]:
    network = settled(torchvision.models.resnet18())
    state = prefixed("module.backbone._orig_mod.", network.state_dict())
    return save(folder, {"model": {"state_dict": state}}), resnet_maps(network), "resnet18"


def moco_of_one_process(folder: Path) -> tuple[Path, Tensor, str]:
    path, maps, name = moco(folder)
    state = torch.load(path, weights_only=True)["state_dict"]
    state = {key.removeprefix("module."): value for key, value in state.items()}
    return save(folder, {"state_dict": state}), maps, name


FILES = (
    named_backbone,
    compiled_distributed,
    moco_of_one_process,
    timm_resnet,
    timm_checkpoint,
    torchvision_resnet,
    torchvision_densenet,
    old_torchvision_densenet,
    radimagenet_densenet,
    radimagenet_resnet,
    xrayvision_densenet,
    xrayvision_resnet,
    moco,
    lightly_moco,
    lightly_without_heads,
)
GREY = (xrayvision_densenet, xrayvision_resnet)
