"""The choice of each method's settings from its tuning trials."""

import pandas as pd
import pytest
import yaml
from conftest import REPOSITORY

from benchmarks.lock_trials import lock
from matl.ablation.load import load_ablation

TRIALS = {
    f"{method}.{name}": {"chain": ["lung", "diagnosis"], "overrides": [f"stages.lung.lr={lr}"]}
    for method in ("moco", "ours")
    for name, lr in (("low", 1e-4), ("high", 1e-3))
}


def cells(**aurocs: float) -> pd.DataFrame:
    rows = [
        {"regime": regime, "state": "finished", "auroc": value + shift}
        for regime, value in zip(TRIALS, aurocs.values(), strict=True)
        for shift in (-0.1, 0.1)
    ]
    return pd.DataFrame(rows)


def test_each_method_gets_the_settings_of_its_best_trial_on_average() -> None:
    text = lock(TRIALS, cells(a=0.7, b=0.8, c=0.75, d=0.6))
    regimes = yaml.safe_load(text)["regimes"]
    assert regimes == {"moco": TRIALS["moco.high"], "ours": TRIALS["ours.low"]}
    assert "# ours.high: 0.600" in text


def test_an_unfinished_trial_locks_nothing() -> None:
    table = cells(a=0.7, b=0.8, c=0.75, d=0.6)
    table.loc[3, "state"] = "missing"
    with pytest.raises(SystemExit, match="1 cells are unfinished"):
        lock(TRIALS, table)
    with pytest.raises(SystemExit, match="a trial is missing"):
        lock(TRIALS, table[:6])


def test_methods_of_unequal_numbers_of_trials_are_refused() -> None:
    with pytest.raises(SystemExit, match="as many trials"):
        lock({**TRIALS, "moco.third": TRIALS["moco.low"]}, None)


def test_what_is_shipped_is_locked_to_trials_that_are_shipped() -> None:
    folder = REPOSITORY / "experiments" / "ablations"
    trials = load_ablation(folder / "ssl_tuning_cpu.yaml").regimes
    compared = load_ablation(folder / "ssl_methods_cpu.yaml").regimes
    for method, regime in compared.items():
        of_method = [one for name, one in trials.items() if name.partition(".")[0] == method]
        assert regime.overrides in [one.overrides for one in of_method], method
