"""The name of every file and folder that matl writes.

A run's folder, an ablation's and a stage's share some names: `manifest.json` and `curves.csv` hold
the same kind of thing in each.
"""

from pathlib import Path

MANIFEST = "manifest.json"
"""Of a stage: all that is known of it. Of a run: its seed, and the manifests of its stages."""
CURVES = "curves.csv"
"""What was logged, one row per epoch."""

CHECKSUMS = "SHA256SUMS"
"""Digests of the files that are read back."""

# A run's folder; an ablation's has the first three and PREDICTIONS too.
PAGE = "report.html"
FIGURES = "figures"
FIGURE_DIGESTS = "digests.json"
"""Within `FIGURES`: what each figure was drawn from."""
REPORT = "report.md"
RECORD = "record.json"
METRICS_FILE = "metrics.json"
PREDICTIONS = "predictions.csv"
EXPERIMENT = "experiment.yaml"
NEAR_DUPLICATES = "near_duplicates.csv"
"""Of a run: the pairs of images that are nearly identical to one of the diagnosis."""
EXPLANATION = "explain"
EVALUATION = "evaluate-"
"""Of the folder of each external evaluation within the run's, before the data set's name."""
RUN_ID = "wandb_run_id.txt"
"""Also in a stage's workspace."""
WANDB_RUNS = "wandb"
"""Beside the folders of the runs: where W&B keeps what it records."""

# The folder of an explanation, within a run's
EXPLANATION_REPORT = "explain.md"
FINDINGS = "explain.json"
ATTRIBUTION = "attribution.csv"
OVERLAYS_FIGURE = "overlays.png"
CKA_FIGURE = "cka.png"
EMBEDDINGS_FIGURE = "embeddings.png"

# The folder of predictions, which also has `PREDICTIONS`
PREDICTION_RECORD = "predictions.json"
STUDIES = "studies.csv"
PATIENTS = "patients.csv"
OVERLAYS = "overlays"

# An audit's folder
AUDIT_PAGE = "audit.html"
AUDIT_FINDINGS = "findings.csv"
AUDIT_ROWS = "rows.csv"
"""The pairs and the images of all findings."""

# An ablation's folder
RESULTS = "results.json"
SUMMARY = "summary.md"
CELLS = "cells.csv"
ANALYSIS = "analysis.json"
LOGS = "logs"

# An export's folder
MODEL_CARD = "model_card.md"
HUB_CARD = "README.md"
"""The card of a folder for the Hugging Face Hub, which shows it by that name."""
MODEL_CARD_VALUES = "model_card.json"
ONNX_GRAPH = "model.onnx"
TORCH_PROGRAM = "model.pt2"
"""Also in the `models` folder of a MONAI bundle."""

# A stage in the store
BACKBONE = "backbone.safetensors"
HEADS = "heads.safetensors"
SCORES = "scores.csv"
TRAINED_ON = "trained_on.txt"
"""The hash of each file that a stage was trained on, one per line."""
FITTED_FLOOR = "floor.json"
"""Of a diagnosis: its floor, as fitted."""
FLOORS = "floors"
"""Of a store: the floors' scores, by what they are computed from."""
STARTS = "starts"
"""Of a store: what backbones promise to diagnoses, by what it is computed from."""
REPLACED = ".replaced"
"""Ends the name of a folder that a stage trained again takes the place of."""

# The workspace of a stage in training
ABOUT = "about.json"
FINISHED = "finished"
BATCH_SIZE = "batch_size.txt"
CHECKPOINT = "last.ckpt"
CHECKPOINT_BEFORE = "before.ckpt"
CHECKPOINT_DIGESTS = "digests.json"
DAMAGED = "damaged"


def ablation_folder(runs: str, ablation: str) -> Path:
    """The folder of an ablation among the runs."""
    return Path(runs) / f"{ablation}-ablation"


def evaluation_records(run: Path) -> list[Path]:
    """The record of each external evaluation within a run's folder, in the order of their names."""
    return sorted(run.glob(f"{EVALUATION}*/{RECORD}"))


def stage_lock(fingerprint: str) -> str:
    """The lock of a stage in training."""
    return f"{fingerprint}.lock"


def stage_log(fingerprint: str) -> str:
    """Of an ablation: what a stage trained in a process of its own printed."""
    return f"{fingerprint}.txt"
