"""What can change a trained weight is declared: new source needs a new version."""

import ast
import hashlib
import json
from pathlib import Path

import pytest
from conftest import REPOSITORY

RECORD = Path(__file__).parent / "source_versions.json"
STAGES = "matl/stages"
TRAINING = (
    f"{STAGES}/__init__.py",
    f"{STAGES}/base.py",
    f"{STAGES}/rates.py",
    "matl/backbones/config.py",
    "matl/backbones/transfer.py",
    "matl/seeding.py",
    "matl/orchestrator/fit.py",
    "matl/orchestrator/job.py",
    "data_modules/loader.py",
    "data_modules/module.py",
    "data_modules/samples.py",
)
SOURCES = {
    "source": (f"{STAGES}/source.py", *TRAINING),
    "diagnosis": (f"{STAGES}/diagnosis.py", *TRAINING),
    "lung_ssl": (
        f"{STAGES}/lung_ssl.py",
        *TRAINING,
        *(f"{STAGES}/multi_scale/{name}.py" for name in ("losses", "pooling", "queue")),
    ),
    "processes": (f"{STAGES}/processes.py",),
    "views": ("matl/views.py", "matl/view_settings.py"),
    "lungs": ("matl/lungs.py", "matl/lung_regions.py"),
    "backbone": tuple(
        f"matl/backbones/{name}.py"
        for name in ("attentive", "foreign", "lookup", "network", "operators", "weights")
    ),
    "pixels": ("data_modules/formats/pictures.py",),
}


def declared() -> dict[str, int]:
    """The versions that the fingerprints name."""
    from data_modules import cache
    from matl import backbones, lungs, views
    from matl.stages import TASKS, processes

    tasks = {name: task.VERSION for name, task in TASKS.items()}
    places = {
        "processes": processes,
        "views": views,
        "lungs": lungs,
        "backbone": backbones,
        "pixels": cache,
    }
    return tasks | {name: module.VERSION for name, module in places.items()}


def meaning(file: str) -> str:
    """The source without comments, docstrings and layout."""
    tree = ast.parse((REPOSITORY / file).read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def digests() -> dict[str, str]:
    return {
        name: hashlib.sha256("\n".join(map(meaning, files)).encode()).hexdigest()[:16]
        for name, files in SOURCES.items()
    }


@pytest.mark.parametrize("name", SOURCES)
def test_changed_source_has_a_new_version(name: str) -> None:
    """After a change: raise VERSION if a weight can differ, then run this file to note it."""
    recorded = json.loads(RECORD.read_text())[name]
    assert [declared()[name], digests()[name]] == recorded, (
        f"the source of '{name}' changed: raise its VERSION if a trained weight can differ, then"
        f" run python {Path(__file__).name} in tests/"
    )


if __name__ == "__main__":
    versions, sources = declared(), digests()
    record = {name: [versions[name], sources[name]] for name in SOURCES}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
