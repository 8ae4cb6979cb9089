"""What `tta` gives: `python -m benchmarks.evaluation_views DATA_ROOT`.

The diagnoses of the regime `scratch` of `images_cpu.yaml` that the store has, scored once more in
each kind of views. By folds over COVID-CT's training persons: used for tuning.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from matl.ablation.cells import Cell, cells_of, plan_cells
from matl.ablation.load import load_ablation
from matl.ablation.schema import SCRATCH
from matl.evaluation.metrics import summarise
from matl.orchestrator.job import Job, data_module
from matl.orchestrator.plan import Plan
from matl.orchestrator.scoring import score_samples
from matl.orchestrator.stage_images import open_images
from matl.orchestrator.store import Store
from matl.trained import load_trained
from matl.view_settings import TTA

ABLATION = Path("experiments/ablations/images_cpu.yaml")


def main() -> None:
    """Prints the AUROC of each fold and the mean, one row per seed and kind of views."""
    ablation = load_ablation(ABLATION)
    cells = [cell for cell in cells_of(ablation) if cell.regime == SCRATCH]
    plans = plan_cells(ablation, cells, [f"data_root={sys.argv[1]}"])
    rows = [row for cell, plan in plans.items() for row in _rows(cell, plan)]
    table = pd.DataFrame(rows).pivot(index=["tta", "seed"], columns="fold", values="auroc")
    print(table.assign(mean=table.mean(axis=1)).round(3).to_string())


def _rows(cell: Cell, plan: Plan) -> list[dict[str, object]]:
    """The AUROC of a cell's held-out fold by each kind of views; nothing where it is missing."""
    last, store = plan.chain[-1], Store(plan.experiment.store)
    if last.fingerprint not in store:
        return []
    stage = load_trained(store.root / last.fingerprint).stage
    images = open_images(plan.experiment, last)
    job = Job(plan.experiment, last, plan.resources, images, None, Path(), "scored", (1, 1))
    data, rows = data_module(job, rank=0), []
    for views in TTA:
        stage.config = replace(stage.config, tta=views)  # type: ignore[call-arg]
        scores = score_samples(stage, data, ("test",), torch.device("cpu"))
        auroc = summarise(scores, resamples=0)["auroc"].value
        rows.append({"tta": views, "seed": cell.seed, "fold": cell.fold, "auroc": auroc})
    return rows


if __name__ == "__main__":
    main()
