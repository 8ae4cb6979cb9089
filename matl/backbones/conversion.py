"""What a weights file holds, and the same weights as a file of matl's."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text
from safetensors import SafetensorError
from torch import Tensor

from matl.backbones.attentive import AttentiveBackbone, build_backbone
from matl.backbones.card import WeightsCard, read_card
from matl.backbones.config import BackboneConfig
from matl.backbones.foreign import (
    Layout,
    foreign_heads,
    read_foreign,
    translate,
)
from matl.backbones.weights import (
    NORMALISATION,
    OPERATOR_KEYS,
    LoadReport,
    canonical_state,
    first_convolution,
    load_state,
    refuse_bad_numbers,
    save_weights,
)
from matl.errors import MatlError

SHOWN = 3
_DEPTH = 2


def contents_table(path: Path) -> Table:
    """A row for each beginning of keys: how many tensors and values there are."""
    state = read_foreign(path).state
    tensors, values = Counter[str](), Counter[str]()
    for key, value in state.items():
        beginning = ".".join(key.split(".")[:_DEPTH])
        tensors[beginning] += 1
        values[beginning] += value.numel()
    table = Table("Keys", "Tensors", "Values", box=box.SIMPLE_HEAD, title=Text(str(path)))
    for beginning in tensors:
        table.add_row(Text(beginning), f"{tensors[beginning]:,}", f"{values[beginning]:,}")
    card = read_card(path) or "no card: what it was trained on is not known"
    table.caption = Text(f"{len(state):,} tensors, {sum(values.values()):,} values\n{card}")
    return table


def fit_table(path: Path, network: str) -> Table:
    """What would become of each weight of the file in a network of timm's.

    Raises:
        MatlError: The file cannot be read, or names no weight of the network.
    """
    _, named, layout, report = _fit(path, network)
    table = Table(
        "Weights", "Number", "Such as", box=box.SIMPLE_HEAD, title=Text(f"{path} in {network}")
    )
    for word in ("loaded", "missing", "unexpected"):
        keys = getattr(report, word)
        table.add_row(word, f"{len(keys):,}", Text(", ".join(keys[:SHOWN])))
    operators = [key for key in named if key.startswith(OPERATOR_KEYS)]
    if operators:
        table.add_row("of operators", f"{len(operators):,}", Text(", ".join(operators[:SHOWN])))
    clashes = [f"{one.key} {one.given}, not {one.wanted}" for one in report.clashing]
    table.add_row("clashing", f"{len(clashes):,}", Text("; ".join(clashes[:SHOWN])))
    table.caption = f"layout: {layout.name}"
    return table


def convert(path: Path, target: Path, network: str) -> Layout:
    """Writes a file's weights under canonical keys, with what the images are normalised by.

    The card of the file goes with them; where it has none, the new one says what is known.

    Args:
        path: A file in one of `matl.backbones.foreign.LAYOUTS`.
        target: The safetensors file to write.
        network: timm's name of the network that the weights are of.

    Raises:
        MatlError: The file cannot be read or does not fit, or the target has another ending, is
            the file itself, or cannot be written.
    """
    if target.suffix != ".safetensors":
        raise MatlError(f"{target}: weights are written as safetensors; end the name so")
    if not target.parent.is_dir():
        raise MatlError(f"{target.parent}: there is no such folder; make it first")
    if target.exists() and path.exists() and target.samefile(path):
        raise MatlError(f"{target}: would replace the file that is converted; choose another name")
    backbone, named, layout, report = _fit(path, network)
    try:
        report.raise_if_bad()
        refuse_bad_numbers(backbone)
    except MatlError as error:
        raise MatlError(f"{path}: {error}") from None
    kept = {key: named[key] for key in report.loaded}
    kept |= {key: value for key, value in named.items() if key.startswith(OPERATOR_KEYS)}
    kept |= {"mean": backbone.network.mean, "std": backbone.network.std}
    card = read_card(path) or WeightsCard(f"{path.name}, as {layout.name} writes it: {network}")
    mean, std = (tuple(kept[name].flatten().tolist()) for name in NORMALISATION)
    card = replace(card, channels=backbone.in_channels, mean=mean, std=std)
    try:
        save_weights(target, kept, {"network": network, "layout": layout.name, **card.as_text()})
    except (OSError, SafetensorError) as error:
        raise MatlError(f"{target}: cannot be written: {error}") from error
    return layout


def _fit(
    path: Path, network: str
) -> tuple[AttentiveBackbone, dict[str, Tensor], Layout, LoadReport]:
    file = read_foreign(path)
    backbone = build_backbone(BackboneConfig(network, "none", [], in_channels=3), seed=0)
    try:
        named, layout = translate(file, backbone)
    except MatlError as error:
        raise MatlError(f"{path}: {error}") from None
    first = first_convolution(canonical_state(backbone))
    if first in named and named[first].shape[1:2] == (1,):
        backbone = build_backbone(BackboneConfig(network, "none", [], in_channels=1), seed=0)
        named, layout = translate(file, backbone)
    report = load_state(backbone, named, (*foreign_heads(backbone), OPERATOR_KEYS))
    return backbone, named, layout, report
