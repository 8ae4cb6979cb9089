"""`matl export`: one form, checked against the model, with its card, whole or not at all."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from matl.errors import MatlError
from matl.export.card import ModelCard, make_card
from matl.export.card_text import card_text
from matl.export.forms import Source, find_form
from matl.files import json_bytes
from matl.names import EXPERIMENT, MODEL_CARD_VALUES
from matl.orchestrator.finished_run import in_store, read_run
from matl.report.plain_values import plain_value
from matl.stages.registry import task_of
from matl.stages.scorer import Scorer
from matl.trained import load_trained


def export_model(
    model: str | Path, to: str, out: str | Path | None = None, own_form: bool = False
) -> tuple[Path, ModelCard]:
    """Writes a trained diagnosis in a form that other programs run, with a model card.

    The export is compared with the model before it is written in its place: see
    `matl.export.parity`.

    Args:
        model: The folder of a finished run (its diagnosis, that of the first seed), of a stage in a
            store, or a copy of the latter.
        to: One of `matl.export.forms.FORMS`.
        out: The folder to write, which must be new; by default the model's name and the form's,
            in the present folder.
        own_form: Of `hub-folder`: matl's own files, where timm cannot hold the network.

    Returns:
        The folder, and the card.

    Raises:
        MatlError: There is no such model or form, the model has no such form, the folder is there,
            or the export does not score as the model does.
    """
    form = find_form(to)
    if own_form and to != "hub-folder":
        raise MatlError(f"--own-form: is for --to hub-folder, and this is --to {to}; leave it out")
    out = Path(f"{Path(model).resolve().name}-{to}" if out is None else out)
    if out.exists():
        raise MatlError(f"{out}: is there; name a new folder with --out")
    source = open_source(Path(model))
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as workspace:
        folder = Path(workspace) / out.name
        folder.mkdir()
        written = form(source, folder, own_form)
        card = make_card(source, to, written, out.name)
        (folder / written.card).write_text(written.head + card_text(card), encoding="utf-8")
        (folder / MODEL_CARD_VALUES).write_bytes(json_bytes(plain_value(card.as_values())))
        shutil.move(folder, out)
    return out, card


def open_source(path: Path) -> Source:
    """The diagnosis that is exported.

    Raises:
        MatlError: There is none, or it is damaged.
    """
    run, row, entry = None, "", path
    notes: tuple[str, ...] = ()
    if (path / EXPERIMENT).is_file():
        run = path
        finished = read_run(path)
        row, fingerprint = next(iter(finished.diagnoses.items()))
        notes = finished.seed_notes
        entry = finished.store.entry(in_store(finished.store, fingerprint))
    model = load_trained(entry)
    if not (task_of(model.config).diagnoses and isinstance(model.stage, Scorer)):
        raise MatlError(f"{path}: is no diagnosis ({model.manifest.stage}), so it scores no image")
    return Source(model, entry, run, row, notes)
