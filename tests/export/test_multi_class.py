"""A diagnosis of several classes is exported with a probability of each."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from three_classes import CLASSES, write_three
from tiny import run_quietly

import matl
from matl.config import load_experiment
from matl.export import parity
from matl.export.write import export_model


@pytest.mark.slow
def test_each_class_has_its_logit_and_its_probability(tmp_path: Path, phantom_root: Path) -> None:
    words = ["chain=[diagnosis]", "stages.diagnosis.epochs=1"]
    run = run_quietly(load_experiment(write_three(tmp_path, phantom_root), words))[1]
    folder, card = export_model(run, "torch", tmp_path / "torch")
    pixels = np.random.default_rng(0).integers(0, 256, (50, 41), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    program = torch.export.load(folder / "model.pt2").module()
    logits, probabilities = program(torch.from_numpy(pixels)[None, None].float())
    model = matl.load_model(run)
    wanted = model.scores(model.read([tmp_path / "scan.png"]))
    torch.testing.assert_close(probabilities, wanted, rtol=0, atol=parity.PROBABILITIES)
    torch.testing.assert_close(logits.softmax(1), wanted, rtol=0, atol=parity.PROBABILITIES)
    assert (card.classes, card.positive, card.calibration) == (CLASSES, None, None)
    opened, _ = export_model(run, "hub-folder", tmp_path / "hub")
    assert f'"{CLASSES[2]}"' in (opened / "config.json").read_text()
