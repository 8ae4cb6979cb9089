"""`matl weights`: files of weights, from matl and from other libraries."""

from pathlib import Path
from typing import Annotated

import typer

from matl.say import say

app = typer.Typer(help="Weights files: inspect, convert.", no_args_is_help=True)
WeightsFile = Annotated[Path, typer.Argument(metavar="FILE", help="A weights file.")]


@app.command("inspect")
def weights_inspect(
    file: WeightsFile,
    network: Annotated[
        str | None, typer.Option(help="A network of timm's: show how the file fits it.")
    ] = None,
) -> None:
    """Show what a weights file holds, and how it fits a network. Executes nothing in the file.

    Example: matl weights inspect densenet.pt --network densenet121
    """
    from matl.backbones.conversion import contents_table, fit_table
    from matl.terminal import terminal

    terminal().print(fit_table(file, network) if network else contents_table(file))


@app.command("convert")
def weights_convert(
    file: WeightsFile,
    target: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    network: Annotated[str, typer.Option(help="The network of timm's that the weights are of.")],
) -> None:
    """Write the weights of timm, torchvision, lightly, MoCo and others as a file of matl's.

    Example: matl weights convert moco.pth moco.safetensors --network resnet50
    """
    from matl.backbones.conversion import convert

    layout = convert(file, target, network)
    say(f"{target}: {network}, read as {layout.name}")
