"""The form `onnx`: a graph of ONNX, by torch's exporter from torch.export's program."""

import logging
from pathlib import Path

import onnxruntime
import onnxscript  # noqa: F401 - torch's exporter needs it: to miss it here is one line
import torch
from torch import Tensor

from matl.export.forms import Source, Written
from matl.export.graph import INPUT, OUTPUTS, trace
from matl.export.parity import Scores
from matl.names import ONNX_GRAPH

USAGE = """import onnxruntime

session = onnxruntime.InferenceSession("{folder}/model.onnx")
logits, probabilities = session.run(
    None, {{"images": images}}
)  # float32 [B, {channels}, H, W], {meaning}"""


def write_onnx(source: Source, folder: Path, own_form: bool) -> Written:
    """Writes the graph as one file, weights included."""
    logging.getLogger("onnxscript.optimizer").setLevel(logging.ERROR)  # what it does not fold
    torch.onnx.export(
        trace(source.model),
        (),
        folder / ONNX_GRAPH,
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return Written(run_by_onnxruntime(folder / ONNX_GRAPH), USAGE)


def run_by_onnxruntime(path: Path) -> Scores:
    """A graph of ONNX as a function of tensors, run on the CPU."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def scores(images: Tensor) -> tuple[Tensor, Tensor]:
        logits, probabilities = session.run(list(OUTPUTS), {INPUT: images.numpy()})
        return torch.from_numpy(logits), torch.from_numpy(probabilities)

    return scores
