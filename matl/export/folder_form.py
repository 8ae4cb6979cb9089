"""The form `folder`: what `matl.load_model` reads."""

import shutil
from pathlib import Path

from matl.export.forms import Source, Written
from matl.export.graph import Graph
from matl.names import BACKBONE, HEADS, MANIFEST
from matl.trained import load_trained

USAGE = """import matl

model = matl.load_model("{folder}")
model.scores(model.read(["scan.png"]))  # probabilities"""


def write_folder(source: Source, folder: Path, own_form: bool) -> Written:
    """Writes the manifest and the weights of network and heads, without scores and patients."""
    for name in (MANIFEST, BACKBONE, HEADS):
        shutil.copyfile(source.entry / name, folder / name)
    return Written(Graph(load_trained(folder)), USAGE)
