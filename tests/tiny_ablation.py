"""An ablation of the tiny experiment."""

from pathlib import Path

ABLATION = """
name: tiny
experiment: tiny.yaml
arms:
  attention: [backbone.operator=attention]
  convolution: [backbone.operator=convolution]
regimes:
  shapes: [shapes, diagnosis]
  probe: {chain: [shapes, diagnosis], overrides: [stages.diagnosis.freeze=all]}
seeds: [0, 1]
splits:
  official: {}
analysis: {comparison: [attention, convolution], regime: shapes, split: official, margin: 0.05}
"""
KFOLD = "splits:\n  folds: {folds: 2, repeats: 2}\n"


def small(text: str) -> str:
    """Without the linear probe, of one seed."""
    lines = [line for line in text.splitlines() if "probe" not in line]
    return "\n".join(lines).replace("[0, 1]", "[0]")


def folded(file: Path) -> Path:
    """The ablation's file, with folds, and the lung stage in place of the shapes."""
    text = ABLATION.replace("splits:\n  official: {}\n", KFOLD).replace(
        "split: official", "split: folds"
    )
    file.write_text(
        text.replace("[shapes, diagnosis]", "[lung, diagnosis]").replace(
            "seeds: [0, 1]", "seeds: [0]"
        )
    )
    return file
