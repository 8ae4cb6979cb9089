"""The form `hub-folder`: a folder of the Hugging Face Hub's layout that timm opens.

timm's networks take images that are fitted and normalised; its transforms are not matl's.
"""

import json
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import save_for_hf
from torch import Tensor, nn

import matl
from matl.backbones import canonical_state, read_weights, save_weights
from matl.backbones.card import read_card
from matl.backbones.maps import library
from matl.errors import MatlError
from matl.export.fit import Fit
from matl.export.folder_form import USAGE as OWN_USAGE
from matl.export.folder_form import write_folder
from matl.export.forms import Source, Written
from matl.export.graph import views_of
from matl.export.parity import Scores
from matl.names import BACKBONE, HUB_CARD
from matl.trained import TrainedModel

NORMALISATION = ("mean", "std")
WEIGHTS = "model.safetensors"
"""Of `save_for_hf`."""
USAGE = """import timm

model = timm.create_model("local-dir:{folder}", pretrained=True).eval()
# float32 [B, {channels}, {height}, {width}] in 0 to 1, fitted ({fit}), minus mean, by deviation
logits = model(images)"""
HEAD = """---
library_name: {library}
tags: [image-classification, medical]
---

"""


def write_hub_folder(source: Source, folder: Path, own_form: bool) -> Written:
    """Writes config.json and model.safetensors, or matl's own files where they are asked for.

    Raises:
        MatlError: timm's network of that name is not all of the model.
    """
    if own_form:
        return _write_own_form(source, folder)
    model = source.model
    whole = _as_timm(model)
    save_for_hf(whole, folder, model_config=_config(model), safe_serialization=True)
    _add_card(source.entry / BACKBONE, folder / WEIGHTS)
    again = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    return Written(_scores(again, model), USAGE, HUB_CARD, HEAD.format(library="timm"))


def _add_card(own: Path, written: Path) -> None:
    """Writes timm's file again with the card of the model's own weights, where they have one."""
    card = read_card(own)
    if card is not None:
        state, metadata = read_weights(written)
        save_weights(written, state, {"format": "pt", **metadata, **card.as_text()})


def _write_own_form(source: Source, folder: Path) -> Written:
    written = write_folder(source, folder, own_form=True)
    config = {"library": "matl", "version": matl.__version__, **source.model.manifest.backbone}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return Written(written.scores, OWN_USAGE, HUB_CARD, HEAD.format(library="matl"))


def _as_timm(model: TrainedModel) -> nn.Module:
    """Timm's classifier with the model's weights.

    Raises:
        MatlError: It is not all of the model, or has more.
    """
    name = model.backbone.name
    own = "add --own-form for a folder that matl.load_model opens, or take --to onnx"
    if library(name) != "timm":
        raise MatlError(f"--to hub-folder: {name} is no network of timm's; {own}")
    if model.backbone.operators:
        strides = ", ".join(model.backbone.operators)
        raise MatlError(
            f"--to hub-folder: timm's {name} has no operators, and this one has some at the "
            f"strides {strides}, which would be lost; {own}"
        )
    whole = timm.create_model(
        name, in_chans=model.channels, num_classes=len(_labels(model)), pretrained=False
    )
    found = whole.load_state_dict(_state(model, whole), strict=False)
    if found.missing_keys or found.unexpected_keys:
        key = [*found.missing_keys, *found.unexpected_keys][0]
        raise MatlError(f"--to hub-folder: {key} is not in both matl's and timm's {name}; {own}")
    return whole.eval()


def _state(model: TrainedModel, whole: Any) -> dict[str, Tensor]:
    """The model's weights by timm's keys."""
    state = canonical_state(model.backbone)
    network = {key: value for key, value in state.items() if key not in NORMALISATION}
    (head,) = model.stage.heads.values()
    classifier = whole.pretrained_cfg["classifier"]
    return network | {f"{classifier}.{key}": value for key, value in head.state_dict().items()}


def _labels(model: TrainedModel) -> list[str]:
    """The class of each logit."""
    return [model.positive] if model.positive else list(model.classes)


def _config(model: TrainedModel) -> dict[str, Any]:
    network = model.backbone.network
    mean, std = (part.flatten().tolist() for part in (network.mean, network.std))
    size = (model.channels, *model.size)
    about = {"mean": mean, "std": std, "input_size": size, "crop_pct": 1.0}
    return {"pretrained_cfg": about, "label_names": _labels(model)}


def _scores(whole: nn.Module, model: TrainedModel) -> Scores:
    """Timm's network behind matl's views, as its user is asked to make them."""
    fit = Fit(model.stage.fitting, views_of(model.config))
    mean, std = (
        torch.tensor(whole.pretrained_cfg[name]).view(1, -1, 1, 1)  # type: ignore[index]
        for name in NORMALISATION
    )

    def scores(images: Tensor) -> tuple[Tensor, Tensor]:
        logits = torch.stack([whole((view - mean) / std) for view in fit(images)])
        logits = logits.squeeze(-1) if model.positive else logits
        probabilities = logits.sigmoid() if model.positive else logits.softmax(-1)
        return logits.mean(0), probabilities.mean(0)

    return scores
