"""Which position information attention needs: `python -m benchmarks.positions DATA_ROOT`.

Trains ResNet-18 with attention from scratch, with rotary positions, with a bias from an MLP over
relative coordinates, and without positions: a diagnosis by cross-validation over COVID-CT's
training patients, and chest X-rays on their validation split, with one seed. No test label is read.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import torch.nn.functional as F
from timm.layers import RelPosMlp
from torch import Tensor

from matl.backbones import operators
from matl.config import load_experiment
from matl.evaluation.metrics import summarise
from matl.orchestrator.run import run
from matl.report.run_record import RunRecord
from matl.terminal import terminal

EXPERIMENT = Path("experiments/covid_ct_resnet18.yaml")
SEED, FOLDS, EPOCHS = 0, 3, 20
FOLDER = Path("runs/positions")


class WithoutPositions(operators.SelfAttention):
    """Attention that sees a map as a set of places."""

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        projected = self.query_key_value(x).flatten(2).transpose(1, 2)
        split = projected.unflatten(2, (3, self.heads, operators.HEAD_WIDTH))
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value


class RelativeBias(WithoutPositions):
    """Attention with a bias that an MLP makes of log relative coordinates, at any map size."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.bias = RelPosMlp((8, 8), num_heads=self.heads)

    def forward(self, x: Tensor) -> Tensor:
        """Mixes the places of x, float [B, W, H, W'], to a map of the same shape."""
        self.bias.set_window_size((x.shape[2], x.shape[3]))
        query, key, value = self._project(x)
        bias = self.bias.get_bias().type_as(query)
        return self._to_map(F.scaled_dot_product_attention(query, key, value, attn_mask=bias), x)


POSITIONS = {
    "rotary": operators.SelfAttention,
    "relative bias": RelativeBias,
    "none": WithoutPositions,
}


def main() -> None:
    """Prints and writes one row a position, fold and task."""
    root = sys.argv[1]
    rows: list[dict[str, Any]] = []
    for position, mix in POSITIONS.items():
        operators.MIXES["attention"] = mix
        where = [f"store={FOLDER / position}", f"data_root={root}"]
        places = [*where, f"seed={SEED}", "trainer.threads=1"]
        own = {"position": position}
        rows += [own | _diagnosis(places, fold) for fold in range(FOLDS)]
        rows.append(own | _chest_xray(places))
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "results.json").write_text(json.dumps(rows, indent=2))
    frame = pd.DataFrame(rows)
    terminal().print(frame.groupby(["task", "position"])["value"].agg(["mean", "std", "count"]))


def _diagnosis(places: list[str], fold: int) -> dict[str, Any]:
    data = {"split": "kfold", "over": "train", "folds": FOLDS, "fold": fold}
    words = [f"stages.diagnosis.data.{key}={value}" for key, value in data.items()]
    record = _run([*places, *words, "chain=[diagnosis]", f"stages.diagnosis.epochs={EPOCHS}"])
    scores = record.scored.models["from scratch"]
    held_out = summarise(scores[scores["split"] == "test"])
    return {"task": "diagnosis AUROC", "fold": fold, "value": held_out["auroc"].value}


def _chest_xray(places: list[str]) -> dict[str, Any]:
    record = _run([*places, "chain=[chest_xray,diagnosis]"], through=2)
    return {"task": "chest X-ray accuracy", "fold": None, "value": record.stages[0].value}


def _run(words: list[str], through: int = 3) -> RunRecord:
    experiment = load_experiment(EXPERIMENT, [*words, "baselines=[]", f"runs={FOLDER / 'runs'}"])
    return run(experiment, through=through, command="python -m benchmarks.positions")[0]


if __name__ == "__main__":
    main()
