"""The model card of an export: what a reader must know before using it.

After Mitchell et al., "Model cards for model reporting" (https://arxiv.org/abs/1810.03993).
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matl
from matl.backbones.card import WeightsCard, read_card
from matl.evaluation.scored import Scored, ScoredModels
from matl.evaluation.units import units_of
from matl.export.forms import Source, Written
from matl.export.graph import meaning, views_of
from matl.export.parity import Parity, check_parity
from matl.manifest import StageManifest
from matl.names import BACKBONE, MANIFEST
from matl.orchestrator.store import Store
from matl.report.paths import hide_paths
from matl.report.run_files import read_record
from matl.report.run_record import RunRecord
from matl.report.words import counted
from matl.trained import TrainedModel

CITATION = (
    "Liu and Ji, A Multi-Stage Attentive Transfer Learning Framework for Improving COVID-19 "
    "Diagnosis, https://arxiv.org/abs/2101.05410; trained and exported with matl"
)
NO_DEVICE = "A research model and no medical device: no decision on a patient may rest on it alone."
NO_RUN = "Metrics with intervals and calibration are of a run's folder; this is a stage without it."
STRETCHED = (
    "Where an image's height is reduced much more than its width, Pillow from version 13 rounds in "
    "another order than the export: some pixels differ by one grey level of 255."
)
LEFT_OUT = "Decoding files is outside of the export: it takes pixels, and what they mean is above."


@dataclass(frozen=True)
class ModelCard:
    """What a reader of an export must know; empty or None stands for what is not known.

    Attributes:
        name: The experiment's, and the stage's.
        form: Of the export.
        classes: Class names, in the order of the probabilities; of two, the positive one is last.
        positive: The class of the one probability; None of a multi-class diagnosis.
        images: What the model takes, by the fact's name.
        network: The settings of the network.
        data: Name, counts and notes of each stage's data, the diagnosis's first.
        chain: The stages from the first to the diagnosis, with their lineage.
        weights: The card of its weights: what all stages learned from, and the licence.
        metrics: With 95 % intervals over patients, by split and unit; empty without a run.
        calibration: On the test split; None without a run, or of several classes.
        notes: What of the run was exported, where it has more.
        limits: What it is not for, and what is not known, a sentence each.
        parity: How near the export is to the model.
        usage: How to call it, as Python code.
        citation: What to cite.
        made_by: Versions.
    """

    name: str
    form: str
    classes: tuple[str, ...]
    positive: str | None
    images: dict[str, Any]
    network: dict[str, Any]
    data: list[dict[str, Any]]
    chain: list[dict[str, Any]]
    weights: WeightsCard | None
    metrics: list[dict[str, Any]]
    calibration: dict[str, Any] | None
    notes: tuple[str, ...]
    limits: list[str]
    parity: Parity
    usage: str
    citation: str
    made_by: dict[str, Any]

    def as_values(self) -> dict[str, Any]:
        """The card as plain values; the hashes of files stay in the card of the weights."""
        values = asdict(self)
        if values["weights"] is not None:
            del values["weights"]["contents"]
        return values


def make_card(source: Source, form: str, written: Written, folder: str) -> ModelCard:
    """The card of an export.

    Args:
        source: What was exported.
        form: The form's name.
        written: What the form wrote.
        folder: The name of the export's folder.

    Raises:
        MatlError: The export does not score as the model does, or the run is damaged.
    """
    model, manifest = source.model, source.model.manifest
    stages = _lineage(source.entry, manifest)
    record = None if source.run is None else read_record(source.run)
    height, width = model.size
    return ModelCard(
        name=f"{manifest.experiment}, {manifest.stage}",
        form=form,
        classes=model.classes,
        positive=model.positive,
        images=_images(model),
        network=manifest.backbone,
        data=[_data(stage) for stage in reversed(stages)],
        chain=[_stage(stage) for stage in stages],
        weights=read_card(source.entry / BACKBONE),
        metrics=_metrics(record.scored, source.row) if record else [],
        calibration=_calibration(record.scored, source.row) if record else None,
        notes=source.notes,
        limits=_limits(stages, record, model.config.fit),
        parity=check_parity(model, written.scores, form),
        usage=written.usage.format(
            folder=folder,
            channels=model.channels,
            meaning=meaning(model),
            height=height,
            width=width,
            fit=model.config.fit,
        ),
        citation=CITATION,
        made_by={"matl": matl.__version__, "trained_with": manifest.versions},
    )


def _lineage(entry: Path, manifest: StageManifest) -> list[StageManifest]:
    """The stages from the first that is still beside the last one, to it."""
    store, stages = Store(entry.parent), [manifest]
    while (parent := stages[0].parent) and (store.entry(parent) / MANIFEST).is_file():
        stages.insert(0, store.manifest(parent))
    return stages


def _images(model: TrainedModel) -> dict[str, Any]:
    network, (height, width) = model.backbone.network, model.size
    return {
        "meaning": meaning(model),
        "shape": f"float32 [B, {model.channels}, H, W], any B, H and W",
        "seen_at": f"{height} x {width} pixels",
        "fit": model.config.fit,
        "views": views_of(model.config),
        "mean": network.mean.flatten().tolist(),
        "deviation": network.std.flatten().tolist(),
    }


def _data(stage: StageManifest) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "data": stage.data,
        "images": stage.counts,
        "patients": stage.patients,
        "classes": stage.classes if len(stage.classes) <= 10 else len(stage.classes),
    }


def _stage(stage: StageManifest) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "part": stage.part,
        "task": stage.task,
        "method": stage.settings.get("method"),
        "epochs": stage.epochs,
        "size": stage.settings["size"],
        "fingerprint": stage.fingerprint,
        "parent": stage.parent,
        "finished": stage.finished,
        "commit": stage.commit,
    }


def _metrics(scored: ScoredModels, row: str) -> list[dict[str, Any]]:
    """The metrics of a row, of the test split first; by study and patient where they differ."""
    found = []
    for split in scored.splits():
        for unit in units_of(scored, split):
            for result in scored.results(split, unit):
                if result.model == row:
                    values = {name: asdict(one) for name, one in result.metrics.items()}
                    of = {"split": split, "by": unit, "of": counted(scored, result)}
                    found.append({**of, "metrics": values})
    return found


def _calibration(scored: ScoredModels, row: str) -> dict[str, Any] | None:
    if not isinstance(scored, Scored) or row not in scored.calibrations():
        return None
    return asdict(scored.calibrations()[row])


def _limits(stages: list[StageManifest], record: RunRecord | None, fit: str) -> list[str]:
    first, last = stages[0], stages[-1]
    about = [f"It learned to diagnose from {last.data} alone; elsewhere it was not measured here."]
    if first.parent:
        about.append(f"The stage {first.parent}, from which it began, is not beside it: unknown.")
    if last.spacing is not None:
        about.append(
            f"It learned slices at {last.spacing:g} mm per pixel: resample yours, and give it the "
            "middle that it looks at, with black around it where the slice ends."
        )
    about += [LEFT_OUT, *([STRETCHED] if fit == "stretch" else [])]
    if record is None:
        notes = [f"{stage.stage}: {note}" for stage in stages for note in stage.notes]
        return list(map(hide_paths, [NO_DEVICE, *about, NO_RUN, *notes]))
    split = [f"Split: {record.split_note}."] if record.split_note else []
    leaks = record.scored.leaks()
    if leaks.images:
        split.append(f"{leaks.images} test images are of {leaks.patients} persons who leak.")
    return list(map(hide_paths, [NO_DEVICE, *about, *split, *record.notes]))
