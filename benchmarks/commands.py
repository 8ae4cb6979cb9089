"""What commands that train nothing cost: seconds, as ratios to bare Python, and peak memory.

Each command runs once before it is measured, so what it keeps is there, and is then started by a
process of its own that holds nothing: the peak that the system counts for a child begins with what
its parent held.
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

REPEATS = 5
MEASURED = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - start
assert done.returncode == 0, done.stderr
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
unit = 1e6 if sys.platform == "darwin" else 1e3
print(json.dumps({"seconds": seconds, "peak_mb": peak / unit}))
"""
EXPERIMENT = """
extends: {demo}
name: quick
stages:
  shapes: {{epochs: 1, data: {{options: {{images: 120, size: 32, seed: 0}}}}, size: 32}}
  xray: {{epochs: 1, data: {{options: {{patients: 40, seed: 0}}}}, size: 32}}
  lung: {{epochs: 1, data: {{options: {{patients: 24, seed: 0}}}}, size: 32}}
  diagnosis:
    {{epochs: 1, data: {{label_fraction: 1.0, options: {{patients: 24, seed: 0}}}}, size: 32}}
chain: [shapes, xray, lung, diagnosis]
"""
ABLATION = """
name: quick
experiment: quick.yaml
arms: {attention: [], convolution: [backbone.operator=convolution], none: [backbone.operator=none]}
regimes:
  xray: [shapes, xray, diagnosis]
  full: [shapes, xray, lung, diagnosis]
seeds: [0, 1, 2, 3, 4]
splits:
  kfold: {folds: 3, over: all}
  official: {}
analysis: {comparison: [attention, convolution], regime: xray, split: kfold}
"""
GOALS = {
    "config": "1 s, 200 MB",
    "store list": "1 s, 200 MB",
    "report": "1 s, 200 MB",
    "plan": "2 s",
    "run (finished)": "4 s",
    "ablate --dry-run (180 cells)": "3 s",
}


def quick_commands(folder: Path) -> dict[str, dict[str, float]]:
    """Medians of each command, warm: seconds, their ratio to bare Python's, and peak memory in MB.

    Args:
        folder: An empty folder; a short run of the demo is trained in it.
    """
    demo = Path("experiments/demo.yaml").resolve()
    (folder / "quick.yaml").write_text(EXPERIMENT.format(demo=demo))
    (folder / "ablation.yaml").write_text(ABLATION)
    _start(_matl("run", "quick.yaml"), folder)
    [run] = (folder / "runs").iterdir()
    commands = {
        "bare Python": [sys.executable, "-c", ""],
        "--help": _matl("--help"),
        "config": _matl("config", "quick.yaml"),
        "store list": _matl("store", "list"),
        "report": _matl("report", f"runs/{run.name}"),
        "plan": _matl("plan", "quick.yaml"),
        "run (finished)": _matl("run", "quick.yaml"),
        "ablate --dry-run (180 cells)": _matl("ablate", "ablation.yaml", "--dry-run"),
    }
    measured = {name: _measured(words, folder) for name, words in commands.items()}
    bare = measured["bare Python"]["seconds"]
    return {name: {**one, "ratio": one["seconds"] / bare} for name, one in measured.items()}


def _matl(*words: str) -> list[str]:
    return [sys.executable, "-m", "matl.cli", *words]


def _measured(command: list[str], folder: Path) -> dict[str, float]:
    _start(command, folder)
    watched = [sys.executable, "-c", MEASURED, *command]
    rows = [json.loads(_start(watched, folder)) for _ in range(REPEATS)]
    return {name: median(row[name] for row in rows) for name in rows[0]}


def _start(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
