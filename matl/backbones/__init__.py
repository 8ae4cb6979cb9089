"""The shared network: convolutional stages of timm's, joined by operators.

Names are imported where they are first used: settings, checks and costs need no torch.
"""
# ruff: noqa: F401 - the names of `_MODULE_OF`, as type checkers see them

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matl.backbones.accounts import Account, account
    from matl.backbones.attentive import AttentiveBackbone, build_backbone
    from matl.backbones.checks import check_config
    from matl.backbones.config import BackboneConfig
    from matl.backbones.cost import Match, NetworkCost, ParameterShares, arm_match, network_cost
    from matl.backbones.counting import flops, parameter_shares
    from matl.backbones.foreign import load_initial_weights, read_foreign, translate
    from matl.backbones.maps import feature_maps
    from matl.backbones.network_table import FeatureMaps
    from matl.backbones.operators import Operator
    from matl.backbones.optimizers import optimizer_problem
    from matl.backbones.transfer import carry
    from matl.backbones.weights import (
        LoadReport,
        canonical_state,
        load_state,
        read_weights,
        save_weights,
    )

VERSION = 3
"""Raised whenever the same settings may give another network or other initial weights."""

_MODULE_OF = {
    "Account": "accounts",
    "AttentiveBackbone": "attentive",
    "BackboneConfig": "config",
    "FeatureMaps": "network_table",
    "LoadReport": "weights",
    "Match": "cost",
    "NetworkCost": "cost",
    "Operator": "operators",
    "ParameterShares": "cost",
    "account": "accounts",
    "arm_match": "cost",
    "build_backbone": "attentive",
    "canonical_state": "weights",
    "carry": "transfer",
    "check_config": "checks",
    "feature_maps": "maps",
    "flops": "counting",
    "load_initial_weights": "foreign",
    "load_state": "weights",
    "network_cost": "cost",
    "optimizer_problem": "optimizers",
    "parameter_shares": "counting",
    "read_foreign": "foreign",
    "read_weights": "weights",
    "save_weights": "weights",
    "translate": "foreign",
}

__all__ = ["VERSION", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
