"""What five seeds of the demo show: `make demo-evidence`.

Each seed draws images of its own, trains the whole chain and tests it on its own patients, so that
the seeds are independent of each other. The settings were chosen on others. Finished stages are
kept: what was interrupted resumes.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from data_modules import cache
from data_modules.phantom import writing
from matl import backbones, view_settings
from matl.config import load_experiment
from matl.evaluation.metrics import summarise
from matl.orchestrator.run import run
from matl.orchestrator.scoring import SCORING_VERSION
from matl.report.rows import CHAIN, FLOOR, FROM_SCRATCH
from matl.stages.registry import task_of
from matl.stages.task import ROWS_VERSION

EXPERIMENT = Path("experiments/demo.yaml")
SEEDS = (2201, 2202, 2203, 2204, 2205)
TABLE = Path("docs/results/demo.csv")
FROZEN = "frozen random backbone"
NULL = "chain, labels at random"
VARIANTS: dict[str, list[str]] = {
    CHAIN: [],
    FROZEN: ["chain=[diagnosis]", "baselines=[]", "stages.diagnosis.recipe=probe"],
    NULL: ["baselines=[]", "stages.diagnosis.data.name=phantom_null"],
}
ROWS = (CHAIN, FROM_SCRATCH, FLOOR, FROZEN, NULL)


def main() -> None:
    """Trains what is missing and writes the results; with `--shown` prints what they show."""
    if "--shown" not in sys.argv[1:]:
        rows = [{"seed": seed, **_aurocs(seed), "settings": _settings()} for seed in SEEDS]
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(TABLE, index=False, float_format="%.4f")
        TABLE.with_suffix(".md").write_text(page(pd.read_csv(TABLE)))
    print(summary(pd.read_csv(TABLE)))


def _aurocs(seed: int) -> dict[str, float]:
    """The test AUROC of each row."""
    found: dict[str, float] = {}
    for row, overrides in VARIANTS.items():
        experiment = load_experiment(EXPERIMENT, [f"seed={seed}", *overrides])
        models = run(experiment, command="make demo-evidence").record.scored.models
        own = models if row == CHAIN else {row: next(iter(models.values()))}
        found |= {name: _auroc(scores) for name, scores in own.items() if name in ROWS}
    return found


def _auroc(scores: pd.DataFrame) -> float:
    value = summarise(scores[scores["split"] == "test"], resamples=0)["auroc"].value
    assert value is not None, "the phantom has both classes in its test split"
    return value


def _settings() -> str:
    """A hash of what the figures are of: the experiment, the phantom's version, the methods'."""
    stages = load_experiment(EXPERIMENT).stages.values()
    made = [writing.VERSION, cache.VERSION, backbones.VERSION, view_settings.VERSION]
    tasks = [task_of(config).versions(config) for config in stages]
    asked = [yaml.safe_load(EXPERIMENT.read_text()), made, SCORING_VERSION, ROWS_VERSION, tasks]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def with_interval(values: pd.Series) -> tuple[float, float, float]:
    """The mean of independent values and the ends of its 95 % interval (Student's t)."""
    mean, error = float(np.mean(values)), float(stats.sem(values))
    reach = error * float(stats.t.ppf(0.975, len(values) - 1))
    return mean, mean - reach, mean + reach


def summary(table: pd.DataFrame) -> str:
    """What the seeds show, in a few lines."""
    reached = ", ".join(f"{row} {table[row].mean():.3f}" for row in ROWS)
    lines = [
        f"{len(table)} seeds, each with images of its own, reached these mean AUROCs on the test "
        f"split: {reached}."
    ]
    for row in (FROM_SCRATCH, FLOOR):
        mean, low, high = with_interval(table[CHAIN] - table[row])
        says = "a gain" if low > 0 else "a loss" if high < 0 else "no gain"
        lines.append(
            f"The chain minus {row}: {mean:+.3f} [{low:+.3f}, {high:+.3f}] (95 % interval over "
            f"seeds), which shows {says}."
        )
    if set(table["settings"]) != {_settings()}:
        lines.append(f"They are of other settings: {EXPERIMENT} was changed since.")
    return "\n".join([*lines, f"Details: {TABLE.with_suffix('.md')}"])


def page(table: pd.DataFrame) -> str:
    """The page of the results, in Markdown."""
    lines = [INTRODUCTION, _line("seed", *ROWS), _line(*["---"] * (len(ROWS) + 1))]
    for _, one in table.iterrows():
        lines.append(_line(str(int(one["seed"])), *(f"{one[row]:.3f}" for row in ROWS)))
    lines.append(_line("mean", *(f"{table[row].mean():.3f}" for row in ROWS)))
    lines += ["", _line("the chain minus", "mean [95 % interval]"), _line("---", "---")]
    for row in ROWS[1:]:
        mean, low, high = with_interval(table[CHAIN] - table[row])
        lines.append(_line(row, f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"))
    return "\n".join([*lines, CLOSING])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


INTRODUCTION = """# What five seeds of the demo show

`make demo-evidence` trains [experiments/demo.yaml](../../experiments/demo.yaml) with five seeds.
Each draws its own images and patients for every stage. The settings, the phantom's version and the
seeds were committed before the first of them ran; the settings were chosen on other seeds. The
images are simulated: this shows that a chain works, not how well it diagnoses patients.

AUROC on the test split (80 patients, 320 images a seed):
"""

CLOSING = """
Intervals: Student's t over seeds, which are independent of each other.
*From scratch*: the diagnosis alone, with the same settings. *Floor*: a classifier on grey-level
statistics and image size. *Frozen random backbone*: a head on the features of a network that
nothing trained. *Labels at random*: the same chain and images, with labels that do not depend on
them (`phantom_null`); 0.5 is chance.
"""


if __name__ == "__main__":
    main()
