"""What can change a trained weight is declared: new source needs a new version."""

import ast
import hashlib
import json
from pathlib import Path

import pytest
from conftest import REPOSITORY

from matl.stages.ssl.task import METHODS, LungSSL

RECORD = Path(__file__).parent / "source_versions.json"
STAGES = "matl/stages"
TRAINING = (
    f"{STAGES}/base.py",
    f"{STAGES}/rates.py",
    f"{STAGES}/settings.py",
    "matl/backbones/config.py",
    "matl/backbones/transfer.py",
    "matl/seeding.py",
    "matl/orchestrator/fit.py",
    "matl/orchestrator/job.py",
    "data_modules/loader.py",
    "data_modules/module.py",
)
SHARED = ("queue", "info_nce")
PARTS = {
    "jigsaw": ("puzzle",),
    "restoration": ("distortions", "decoder"),
    "masked": ("masking", "decoder"),
}
"""Further files of methods that have a main one."""
MULTI_SCALE = (
    *(f"multi_scale/{part}" for part in ("method", "stage", "losses", "pooling")),
    *SHARED,
)


def ssl_sources(name: str) -> tuple[str, ...]:
    """The files below `stages/ssl` that can change what a method of `lung_ssl` learns.

    Of one that stands in a file these are its own, those of the methods that it extends, and what
    the methods in one file share.
    """
    parts = MULTI_SCALE
    if name != "multi_scale":
        places = [kind.__module__ for kind in LungSSL.chosen({"method": name}).__mro__]
        own = [place.removeprefix("matl.stages.ssl.") for place in places if ".ssl." in place]
        own = [part for part in own if part != "task"]
        parts = (*own, *PARTS.get(name, ()), "stage", *SHARED)
    return tuple(f"{STAGES}/ssl/{part}.py" for part in parts)


SOURCES = {
    "source": (f"{STAGES}/source/task.py", f"{STAGES}/source/stage.py", *TRAINING),
    "diagnosis": (
        *(f"{STAGES}/diagnosis/{part}.py" for part in ("task", "stage", "multi_class")),
        *TRAINING,
    ),
    "lung_ssl": (f"{STAGES}/ssl/task.py", *TRAINING),
    **{name: ssl_sources(name) for name in METHODS},
    "processes": (f"{STAGES}/processes.py",),
    "rows": (f"{STAGES}/task.py", "data_modules/samples.py"),
    "scoring": ("matl/orchestrator/scoring.py",),
    "floor": ("matl/evaluation/floor.py",),
    "views": ("matl/views.py", "matl/view_settings.py"),
    "lungs": (
        "matl/lungs.py",
        "matl/lung_regions.py",
        *(
            f"matl/lung_fields/{part}.py"
            for part in ("search", "cage", "walls", "posture", "masks", "own")
        ),
    ),
    "backbone": tuple(
        f"matl/backbones/{name}.py"
        for name in (
            *("attentive", "foreign", "imagenet", "lookup", "monai_networks", "network"),
            *("operators", "weights"),
        )
    ),
    "headers": (
        "data_modules/formats/dicom_header.py",
        "data_modules/sets/headers.py",
    ),
    "pixels": (
        *(
            f"data_modules/formats/{name}.py"
            for name in (
                *("dicom", "dicom_header", "images", "metaimage", "nifti", "pictures", "places"),
                *("volumes", "windows"),
            )
        ),
        "data_modules/fit.py",
        "data_modules/ragged.py",
    ),
}


def declared() -> dict[str, int]:
    """The versions that the fingerprints name."""
    from data_modules import cache
    from data_modules.sets import headers
    from matl import backbones, lung_regions, view_settings
    from matl.evaluation import floor
    from matl.orchestrator import scoring
    from matl.stages import task
    from matl.stages.registry import TASKS, find_task

    methods = {name: {"task": "lung_ssl", "method": name} for name in METHODS}
    kinds = {name: {"task": name} for name in TASKS if name != "lung_ssl"} | methods
    return {
        **{name: find_task(settings).VERSION for name, settings in kinds.items()},
        "lung_ssl": LungSSL.TASK_VERSION,
        "processes": task.PROCESSES_VERSION,
        "rows": task.ROWS_VERSION,
        "scoring": scoring.SCORING_VERSION,
        "floor": floor.FLOOR_VERSION,
        "views": view_settings.VERSION,
        "lungs": lung_regions.VERSION,
        "backbone": backbones.VERSION,
        "headers": headers.VERSION,
        "pixels": cache.VERSION,
    }


def test_what_a_method_is_made_of_is_watched() -> None:
    files = {Path(file).stem for file in SOURCES["dense_cl"]}
    assert files == {"dense_cl", "moco", "method", "stage", "queue", "info_nce"}


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
