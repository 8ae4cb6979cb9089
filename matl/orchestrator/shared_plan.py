"""The first node's plan, which is in the store while the others compare theirs with it."""

import json
import secrets
import time
from pathlib import Path
from typing import Any

from matl.errors import MatlError
from matl.files import read_json
from matl.orchestrator.fingerprints import difference
from matl.orchestrator.nodes import POLL_SECONDS, Nodes
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store

PATIENCE_SECONDS = 60.0
"""A network file system may show a new file late."""


def share_plan(plan: Plan, store: Store, nodes: Nodes) -> None:
    """Makes sure that all nodes follow one plan, and see one store.

    Raises:
        MatlError: a node's plan differs from the first one's, or it sees another store.
    """
    if nodes.count == 1:
        return
    if nodes.follows:
        name = nodes.hear("plan")
        with nodes.together("plan check"):
            _compare(plan, _read(store.unfinished_folder / name, nodes))
        return
    store.unfinished_folder.mkdir(parents=True, exist_ok=True)
    file = store.unfinished_folder / f"plan-{secrets.token_hex(4)}.json"
    file.write_text(json.dumps([stage.identity for stage in plan.stages]))
    try:
        nodes.tell("plan", file.name)
        with nodes.together("plan check"):
            pass
    finally:
        file.unlink(missing_ok=True)


def _read(file: Path, nodes: Nodes) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not file.is_file():
        if time.monotonic() > deadline:
            raise MatlError(
                f"store: node {nodes.rank} finds no plan of node 0 in {file.parent}; put the store "
                "on a file system that all nodes share"
            )
        time.sleep(POLL_SECONDS)
    return read_json(file.read_text())


def _compare(plan: Plan, first: list[dict[str, Any]]) -> None:
    own = [stage.identity for stage in plan.stages]
    if len(own) != len(first):
        raise MatlError(f"chain: {len(own)} stages are planned here, and {len(first)} on node 0")
    for stage, identity in zip(plan.stages, first, strict=True):
        if how := difference(stage.identity, identity):
            raise MatlError(f"stages.{stage.name}: is planned otherwise than on node 0: {how}")
