"""The reference of all settings, those of an ablation included."""

from matl.ablation.schema import Ablation, Analysis, Regime, Split
from matl.config.reference import EXTENDS, Section, experiment_sections, make_section


def reference() -> list[Section]:
    """Every setting of an experiment, then every one of an ablation."""
    return [
        *experiment_sections(),
        make_section("Ablation", Ablation, more=(EXTENDS,)),
        make_section("Regime of an ablation", Regime, "regimes.NAME."),
        make_section("Split of an ablation", Split, "splits.NAME."),
        make_section("Analysis of an ablation", Analysis, "analysis."),
    ]
