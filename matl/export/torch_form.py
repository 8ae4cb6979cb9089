"""The form `torch`: a program of torch.export, which needs torch alone."""

from pathlib import Path

import torch

from matl.export.forms import Source, Written
from matl.export.graph import trace
from matl.names import TORCH_PROGRAM

USAGE = """import torch

model = torch.export.load("{folder}/model.pt2").module()
logits, probabilities = model(images)  # float32 [B, {channels}, H, W], {meaning}"""


def write_torch(source: Source, folder: Path, own_form: bool) -> Written:
    """Writes the graph by `torch.export.save`."""
    torch.export.save(trace(source.model), folder / TORCH_PROGRAM)
    return Written(torch.export.load(folder / TORCH_PROGRAM).module(), USAGE)
