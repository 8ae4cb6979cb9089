"""The shared network: convolutional stages of timm's, joined by operators."""

from matl.backbones.attentive import AttentiveBackbone, build_backbone
from matl.backbones.checks import check_config
from matl.backbones.config import BackboneConfig
from matl.backbones.cost import Match, ParameterShares, arm_match, flops, parameter_shares
from matl.backbones.foreign import load_initial_weights, read_foreign, translate
from matl.backbones.operators import Operator
from matl.backbones.transfer import Account, account, carry
from matl.backbones.weights import (
    LoadReport,
    canonical_state,
    load_state,
    read_weights,
    save_weights,
)

VERSION = 2
"""Raised whenever the same settings may give another network or other initial weights."""

__all__ = [
    "VERSION",
    "Account",
    "AttentiveBackbone",
    "BackboneConfig",
    "LoadReport",
    "Match",
    "Operator",
    "ParameterShares",
    "account",
    "arm_match",
    "build_backbone",
    "canonical_state",
    "carry",
    "check_config",
    "flops",
    "load_initial_weights",
    "load_state",
    "parameter_shares",
    "read_foreign",
    "read_weights",
    "save_weights",
    "translate",
]
