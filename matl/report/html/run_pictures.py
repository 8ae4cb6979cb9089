"""The figures of a run's page."""

import re
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from matl.evaluation.metrics import Estimate
from matl.evaluation.scored import Scored, ScoredModels
from matl.evaluation.statistics.calibration import recalibrated
from matl.report.curves import COSTS, has_values, roc_figure, training_figure
from matl.report.html.picture import Picture
from matl.report.html.score_figures import (
    ModelScores,
    decision_figure,
    precision_recall_figure,
    reliability_figure,
)


def score_pictures(scored: ScoredModels, images: str = "") -> list[Picture]:
    """Curves of the first split on which a model was scored on both classes; test comes first.

    There are none of three classes and more.

    Args:
        scored: What was scored.
        images: Which images the scores are of, in words; by default those of the split.
    """
    if not isinstance(scored, Scored):
        return []
    for split in scored.splits():
        results = {one.model: one.metrics for one in scored.results(split)}
        both = [name for name, metrics in results.items() if metrics["auroc"].value is not None]
        if both:
            scores = {name: scored.tables(split)[name] for name in both}
            aurocs = {name: results[name]["auroc"] for name in both}
            averages = {name: results[name]["average_precision"] for name in both}
            drawn = list(_curves(scored, images or f"{split} split", scores, aurocs, averages))
            return [*drawn, _decision(scored, split, images or f"{split} split", scores)]
    return []


def _curves(
    scored: Scored,
    images: str,
    scores: ModelScores,
    aurocs: dict[str, Estimate],
    averages: dict[str, Estimate],
) -> Iterator[Picture]:
    where = f"{images}, positive = {scored.positive}"
    caption = f"{images[0].upper()}{images[1:]}; positive class: {scored.positive}."
    models = ", ".join(scores)
    yield Picture(
        "roc",
        roc_figure,
        (scores, aurocs, f"ROC, {where}"),
        f"ROC curves, {where}. AUROC: {_listed(aurocs)}.",
        f"{caption} AUROC with its 95 % interval over patients; grey: chance.",
    )
    yield Picture(
        "precision_recall",
        precision_recall_figure,
        (scores, averages, f"Precision and recall, {where}"),
        f"Precision-recall curves, {where}. Average precision: {_listed(averages)}.",
        f"{caption} Average precision with its 95 % interval over patients.",
    )
    yield Picture(
        "reliability",
        reliability_figure,
        (scores, f"Reliability, {where}"),
        f"Reliability of {models}, {where}: observed over predicted probability.",
        f"{caption} On the grey line scores are probabilities; without an interval.",
    )


def _decision(scored: Scored, split: str, images: str, scores: ModelScores) -> Picture:
    """The decision curves, of calibrated scores where validation scores allow it."""
    others = {} if split == "val" else scored.tables("val")
    calibrated, reasons = dict(scores), {}
    for name, table in scores.items():
        try:
            calibrated[name] = recalibrated(others.get(name), table)
        except ValueError as error:
            reasons[name] = str(error)
    where = f"{images}, positive = {scored.positive}"
    return Picture(
        "decision",
        decision_figure,
        (calibrated, f"Decision curve, {where}"),
        f"Net benefit of acting by {', '.join(scores)}, {where}, over the threshold probability.",
        f"{images[0].upper()}{images[1:]}; positive class: {scored.positive}. A model is worth "
        "using at thresholds where its curve lies above both grey ones; it supposes calibrated "
        f"scores. {_calibration_in_words(scores, reasons)} Without an interval.",
    )


def _calibration_in_words(models: Iterable[str], reasons: Mapping[str, str]) -> str:
    """Which models' scores were calibrated, and why others were not."""
    done = ", ".join(name for name in models if name not in reasons)
    said = []
    if done:
        how = "by a logistic regression on the logits of the validation split's scores"
        said.append(f"Calibrated {how} (Platt 1999): {done}.")
    for reason in dict.fromkeys(reasons.values()):
        own = ", ".join(name for name, one in reasons.items() if one == reason)
        said.append(f"Uncalibrated, as {reason}: {own}.")
    return " ".join(said)


def training_pictures(
    curves: Mapping[str, pd.DataFrame], note: str = "as logged; one seed"
) -> list[Picture]:
    """What each stage logged over its epochs, costs left out.

    Args:
        curves: As in `matl.report.run_record.RunRecord`.
        note: What the values are.
    """
    pictures = []
    for number, (name, table) in enumerate(curves.items(), 1):
        logged = table.drop(columns=list(COSTS), errors="ignore")
        if has_values(logged):
            pictures.append(
                Picture(
                    f"training-{number}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}",
                    training_figure,
                    ({name: logged},),
                    f"Training curves of the stage {name} over {len(table)} epochs.",
                    f"{name}: the values of each epoch, {note}. train, val: the split; "
                    "a number: the stride of an operator.",
                    wide=True,
                )
            )
    return pictures


def _listed(estimates: dict[str, Estimate]) -> str:
    return "; ".join(f"{name} {one}" for name, one in estimates.items())
