"""Ablations: one experiment over arms, regimes, seeds and splits."""
