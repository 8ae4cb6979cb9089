"""Chooses each method's settings from its tuning trials: `python -m benchmarks.lock_trials`.

A trial is a regime `method.trial` of `ssl_tuning_cpu.yaml`; that of the best mean AUROC over the
folds of the training persons is written into the file that `ssl_methods_cpu.yaml` extends. It is
committed before that ablation has a test score.
"""

import sys
from pathlib import Path

import pandas as pd
import yaml

ABLATIONS, RESULTS = Path("experiments/ablations"), Path("docs/results")
TRIALS = ABLATIONS / "ssl_tuning_cpu.yaml"
LOCK = ABLATIONS / "locked" / "ssl_methods_cpu.yaml"
CELLS = RESULTS / "ssl_tuning_cpu.csv"
SCORES = RESULTS / "ssl_methods_cpu.csv"


def main() -> None:
    """Writes the lock, or says why it cannot be written."""
    if SCORES.exists():
        sys.exit(f"{SCORES} is there: settings are not changed behind test scores")
    trials = yaml.safe_load(TRIALS.read_text())["regimes"]
    cells = pd.read_csv(CELLS) if CELLS.exists() else None
    LOCK.write_text(lock(trials, cells))
    print(LOCK.read_text())


def lock(trials: dict[str, dict[str, list[str]]], cells: pd.DataFrame | None) -> str:
    """The lock as YAML.

    Args:
        trials: Chain and overrides of each regime `method.trial`.
        cells: One row per cell, with `regime`, `state` and `auroc`; None before any is trained.
    """
    names: dict[str, list[str]] = {}
    for trial in trials:
        names.setdefault(trial.partition(".")[0], []).append(trial)
    if len({len(own) for own in names.values()}) > 1:
        sys.exit(f"{TRIALS}: every method needs as many trials as the others")
    means = None if cells is None else _means(cells, list(trials))
    chosen = {
        method: own[0] if means is None else str(means[own].idxmax())
        for method, own in names.items()
    }
    regimes = {method: trials[trial] for method, trial in chosen.items()}
    head = [
        "# Written by: python -m benchmarks.lock_trials",
        *(
            [f"# No trial of {TRIALS.name} is finished: every method has its first one's settings."]
            if means is None
            else [
                f"# Mean AUROC by cross-validation over the training persons ({CELLS}), "
                "used for tuning:",
                *(f"# {trial}: {value:.3f}" for trial, value in means.items()),
            ]
        ),
    ]
    body = yaml.safe_dump({"regimes": regimes}, sort_keys=False, default_flow_style=None, width=160)
    return "\n".join([*head, body])


def _means(cells: pd.DataFrame, trials: list[str]) -> pd.Series:
    """The mean AUROC of each trial; all must be finished."""
    own = cells[cells["regime"].isin(trials)]
    unfinished = int((own["state"] != "finished").sum())
    if unfinished or set(own["regime"]) != set(trials):
        sys.exit(f"{CELLS}: {unfinished} cells are unfinished, or a trial is missing; finish them")
    return own.groupby("regime", sort=False)["auroc"].mean()[trials]


if __name__ == "__main__":
    main()
