"""The form `bundle`: a MONAI bundle (https://docs.monai.io/en/stable/mb_specification.html).

Its network is the program of torch.export, so that it needs MONAI and torch, and no matl.
"""

from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch
from monai.bundle import ConfigParser

import matl
from matl.export.forms import Source, Written
from matl.export.graph import meaning, trace
from matl.files import json_bytes
from matl.names import TORCH_PROGRAM
from matl.trained import TrainedModel

CONFIGS, INFERENCE, METADATA = "configs", "inference.json", "metadata.json"
PROGRAM = f"models/{TORCH_PROGRAM}"
USAGE = """import monai.bundle

monai.bundle.run(
    config_file="{folder}/configs/inference.json",
    meta_file="{folder}/configs/metadata.json",
    bundle_root="{folder}",
    image_folder="scans",  # of PNG, JPEG or BMP files with 8 bits
    output_file="probabilities.json",
)"""


def write_bundle(source: Source, folder: Path, own_form: bool) -> Written:
    """Writes configs/metadata.json, configs/inference.json and models/model.pt2."""
    for name in (CONFIGS, "models"):
        (folder / name).mkdir()
    torch.export.save(trace(source.model), folder / PROGRAM)
    inference = folder / CONFIGS / INFERENCE
    inference.write_bytes(json_bytes(_inference(source.model)))
    (folder / CONFIGS / METADATA).write_bytes(json_bytes(_metadata(source.model)))
    parser = ConfigParser()
    parser.read_config(inference)
    parser["bundle_root"] = str(folder)
    return Written(parser.get_parsed_content("network_def"), USAGE)


def _inference(model: TrainedModel) -> dict[str, Any]:
    """Files in, `probabilities.json` out: one file, its logits and its probabilities per entry."""
    mode = "L" if model.channels == 1 else "RGB"
    return {
        "imports": [
            "$import json",
            "$from operator import itemgetter",
            "$from pathlib import Path",
            "$import torch",
        ],
        "bundle_root": ".",
        "image_folder": "$@bundle_root + '/images'",
        "output_file": "$@bundle_root + '/probabilities.json'",
        "kinds": [".png", ".jpg", ".jpeg", ".bmp"],
        "network_def": f"$torch.export.load(@bundle_root + '/{PROGRAM}').module()",
        "files": "$sorted(map(str, Path(@image_folder).iterdir()))",
        "datalist": (
            "$[{'image': one} for one in filter(lambda one, kinds=@kinds: "
            "Path(one).suffix.lower() in kinds, @files)]"
        ),
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {
                    "_target_": "LoadImaged",
                    "keys": "image",
                    "reader": "PILReader",
                    "converter": f"$lambda image: image.convert('{mode}')",
                    "reverse_indexing": False,
                },
                {
                    "_target_": "EnsureChannelFirstd",
                    "keys": "image",
                    "channel_dim": "no_channel" if model.channels == 1 else -1,
                },
                {
                    "_target_": "EnsureTyped",
                    "keys": "image",
                    "dtype": "$torch.float32",
                    "track_meta": False,
                },
            ],
        },
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "dataloader": {
            "_target_": "DataLoader",
            "dataset": "@dataset",
            "batch_size": 1,
            "num_workers": 0,
        },
        "outputs": (
            "$list(map(torch.no_grad()(@network_def), map(itemgetter('image'), @dataloader)))"
        ),
        "predictions": (
            "$[{'image': Path(one['image']).name, 'logits': logits[0].tolist(), 'probabilities': "
            "probabilities[0].tolist()} for one, (logits, probabilities) in zip(@datalist, "
            "@outputs)]"
        ),
        "run": ["$Path(@output_file).write_text(json.dumps(@predictions, indent=2))"],
    }


def _metadata(model: TrainedModel) -> dict[str, Any]:
    manifest = model.manifest
    classes = [model.positive] if model.positive else list(model.classes)
    return {
        "schema": (
            "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
            "meta_schema_20240725.json"
        ),
        "version": "1.0.0",
        "changelog": {"1.0.0": f"exported by matl {matl.__version__}"},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": {},
        "name": f"{manifest.experiment}, {manifest.stage}",
        "task": f"diagnosis: {', '.join(model.classes)}",
        "description": f"Trained on {manifest.data}; see model_card.md.",
        "authors": "see model_card.md",
        "copyright": "see model_card.md",
        "network_data_format": {
            "inputs": {"image": _image_format(model)},
            "outputs": {
                name: {
                    "type": name,
                    "format": "classes",
                    "num_channels": len(classes),
                    "spatial_shape": [],
                    "dtype": "float32",
                    "value_range": [0, 1] if name == "probabilities" else [],
                    "is_patch_data": False,
                    "channel_def": {str(number): one for number, one in enumerate(classes)},
                }
                for name in ("logits", "probabilities")
            },
        },
    }


def _image_format(model: TrainedModel) -> dict[str, Any]:
    names = ["grey"] if model.channels == 1 else ["red", "green", "blue"]
    return {
        "type": "image",
        "format": meaning(model),
        "num_channels": model.channels,
        "spatial_shape": ["*", "*"],
        "dtype": "float32",
        "value_range": [0, 255],
        "is_patch_data": False,
        "channel_def": {str(number): one for number, one in enumerate(names)},
    }
