"""The forms of an export: each writes its files, and says how they are run again."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from matl.errors import MatlError
from matl.export.parity import Scores
from matl.names import MODEL_CARD
from matl.trained import TrainedModel


@dataclass(frozen=True)
class Source:
    """What is exported.

    Attributes:
        model: A diagnosis.
        entry: The folder of its stage, or of a copy.
        run: The folder of the run that was named, or None.
        row: The diagnosis's row of the run's tables; empty without one.
        notes: What of the run was taken, where it has more.
    """

    model: TrainedModel
    entry: Path
    run: Path | None
    row: str = ""
    notes: tuple[str, ...] = ()


class Written(NamedTuple):
    """What a form wrote.

    Attributes:
        scores: Runs it, as read back from its files.
        usage: How to call it, as Python code.
        card: The name of the card in Markdown.
        head: What that begins with.
    """

    scores: Scores
    usage: str
    card: str = MODEL_CARD
    head: str = ""


Form = Callable[[Source, Path, bool], Written]
"""Writes into a folder; the last argument asks for matl's own form where there is a choice."""

FORMS = {
    "folder": "matl.export.folder_form:write_folder",
    "onnx": "matl.export.onnx_form:write_onnx",
    "torch": "matl.export.torch_form:write_torch",
    "bundle": "matl.export.bundle_form:write_bundle",
    "hub-folder": "matl.export.hub_form:write_hub_folder",
}


def find_form(name: str) -> Form:
    """The form of a name.

    Raises:
        MatlError: There is none, or what it needs is not installed.
    """
    if name not in FORMS:
        raise MatlError(f"--to {name}: is no form; the forms are {', '.join(FORMS)}")
    module, _, function = FORMS[name].partition(":")
    try:
        form: Form = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        raise MatlError(
            f"--to {name}: needs {error.name}, which is not installed; pip install 'matl[export]'"
        ) from error
    return form
