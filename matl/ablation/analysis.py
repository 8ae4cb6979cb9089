"""The primary analysis: fixed before its first result, and compared with ever after."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matl.ablation.ablation_files import read_fixed
from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH, Ablation
from matl.checksums import write_files
from matl.files import json_bytes
from matl.names import ANALYSIS
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store
from matl.report.plain_values import plain_value


@dataclass(frozen=True)
class Fixed:
    """What is known of the primary analysis's beginning.

    Attributes:
        note: a line that says when it was fixed, or that it was changed since.
        changed: whether it was; nothing is primary then.
    """

    note: str
    changed: bool


def primary_cells(ablation: Ablation, plans: Mapping[Cell, Plan]) -> dict[Cell, Plan]:
    """The cells that the primary comparison is computed from."""
    analysis = ablation.analysis
    return {
        cell: plan
        for cell, plan in plans.items()
        if cell.arm in analysis.comparison
        and cell.regime in (analysis.regime, SCRATCH)
        and (cell.split, cell.fraction) == (analysis.split, 1.0)
    }


def analysis_hash(ablation: Ablation, plans: Mapping[Cell, Plan]) -> str:
    """Hash of all that must be fixed before a test score is seen, 16 hexadecimal digits.

    It covers the comparison, its metric and margin, and the fingerprints of its cells, and so its
    arms, seeds and splits and all that can change a score. Other arms, regimes and splits may be
    added later: what is compared with them is exploratory.
    """
    cells = [
        [*asdict(cell).values(), plan.chain[-1].fingerprint]
        for cell, plan in primary_cells(ablation, plans).items()
    ]
    text = json.dumps([asdict(ablation.analysis), sorted(cells)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fix_analysis(
    ablation: Ablation, plans: Mapping[Cell, Plan], store: Store, folder: Path
) -> Fixed:
    """Keeps the primary analysis in the ablation's folder, or compares it with the one kept.

    Raises:
        MatlError: what was kept is damaged.
    """
    file = folder / ANALYSIS
    cells = primary_cells(ablation, plans).values()
    now = {
        "hash": analysis_hash(ablation, plans),
        "cells": len(cells),
        "finished_before": sum(plan.chain[-1].fingerprint in store for plan in cells),
        "ablation": plain_value(asdict(ablation)),
    }
    if not file.exists():
        write_files(folder, {ANALYSIS: json_bytes(now)})
    fixed = read_fixed(file)
    if fixed["hash"] != now["hash"]:
        return Fixed(
            f"The primary analysis was CHANGED after it began ({_changes(fixed, now)}): every "
            "comparison here is exploratory.",
            changed=True,
        )
    before = f"{fixed['finished_before'] or 'none'} of its {fixed['cells']} cells"
    return Fixed(
        f"Primary analysis {now['hash']}, fixed in {ANALYSIS} with {before} finished.",
        changed=False,
    )


def _changes(fixed: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What the primary analysis was and is, where the file says so; else what else it may be."""
    before, after = fixed["ablation"]["analysis"], now["ablation"]["analysis"]
    changed = [key for key in after if before.get(key) != after[key]]
    lines = [f"{key}: {before.get(key)} -> {after[key]}" for key in changed]
    return "; ".join(lines) or "its arms, seeds, data, settings or versions"
