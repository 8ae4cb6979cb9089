"""What an explanation found, as explain.json and explain.md."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from matl.evaluation.metrics import CONFIDENCE, RESAMPLES, THRESHOLD, Estimate
from matl.explain.attribution import ALL, LungShare
from matl.explain.cka import Alignment
from matl.explain.evidence import Evidence
from matl.explain.findings import Findings
from matl.explain.overlays import EACH
from matl.explain.pointing import Pointing
from matl.names import ATTRIBUTION, CKA_FIGURE, EMBEDDINGS_FIGURE, FINDINGS, OVERLAYS_FIGURE
from matl.report.markdown import escape, fenced, markdown_table
from matl.report.paths import hide_paths
from matl.report.table import Column, Row, Table, TableCell, make_table


def as_json(evidence: Evidence, found: Findings) -> dict[str, Any]:
    """Every number with its interval, split, positive class and seeds, as plain values."""
    values: dict[str, Any] = {
        "experiment": evidence.experiment,
        "command": hide_paths(evidence.command),
        "split": evidence.split,
        "positive": evidence.positive,
        "negative": evidence.negative,
        "seeds": 1,
        "threshold": THRESHOLD,
        "interval": {"over": "patients", "confidence": CONFIDENCE, "resamples": RESAMPLES},
        "images": found.images,
        "patients": found.patients,
        "without_lung_field": found.without_field,
        "methods": dict(evidence.methods),
        "attribution": _by_model(found.shares),
    }
    if found.pointing:
        values["pointing"] = {
            "tolerance_pixels": found.tolerance,
            "results": _by_model(found.pointing),
        }
    if found.alignments:
        values["cka"] = {
            "features": "the mean of each map over its places",
            "interval": {"over": "patients", "confidence": CONFIDENCE, "method": "jackknife"},
            "results": [asdict(one) for one in found.alignments],
        }
    values["notes"] = [hide_paths(note) for note in evidence.notes]
    return values


def _by_model(results: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [{"model": name, **asdict(one)} for name, rows in results.items() for one in rows]


def as_markdown(evidence: Evidence, found: Findings, figures: Collection[str]) -> str:
    """The tables with their captions, and the figures of these file names."""
    parts = [
        f"# {escape(evidence.experiment)}: what the diagnosis looks at",
        fenced(hide_paths(evidence.command), "bash"),
        escape(_caption(evidence, found)),
        "\n".join(f"- *{escape(name)}*: {escape(text)}" for name, text in evidence.methods.items()),
    ]
    for model, shares in found.shares.items():
        parts += [
            f"## Attribution inside the lungs, {escape(model)}",
            markdown_table(share_table(shares)),
        ]
    parts.append(escape(share_caption(found.without_field)))
    if OVERLAYS_FIGURE in figures:
        parts += ["## Cases", f"![Cases]({OVERLAYS_FIGURE})", escape(_cases_caption(evidence))]
    if found.pointing:
        parts += ["## Pointing at the lesion", markdown_table(pointing_table(found.pointing))]
        parts.append(escape(_pointing_caption(evidence, found)))
    if found.alignments:
        parts += ["## The networks of the chain", markdown_table(alignment_table(found.alignments))]
        parts += [ALIGNMENT_CAPTION, f"![Linear CKA]({CKA_FIGURE})"]
    if EMBEDDINGS_FIGURE in figures:
        parts += ["## The images as the diagnosis sees them", f"![Embeddings]({EMBEDDINGS_FIGURE})"]
        parts.append(EMBEDDING_CAPTION)
    if evidence.notes:
        notes = [escape(hide_paths(note)) for note in evidence.notes]
        parts += ["## Notes", "\n".join(f"- {note}" for note in notes)]
    parts.append(f"Numbers: [{FINDINGS}]({FINDINGS}); each image: [csv]({ATTRIBUTION}).")
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


UNDEFINED = TableCell("undefined", None)
ALIGNMENT_CAPTION = (
    "Linear CKA (Kornblith et al., https://arxiv.org/abs/1905.00414) of each image's features, the "
    "mean of the map over its places, on the images of the split: 1 for the same features up to "
    "rotation and scale. The interval is a jackknife over patients. It is biased upwards where "
    "channels outnumber images; *unbiased* is not, and is about 0 for unrelated networks."
)
EMBEDDING_CAPTION = (
    "t-SNE of the features that the classifier is given. Neighbours are kept; distances between "
    "groups, and their sizes, mean nothing. In brackets: images. Patients are not named."
)


def _caption(evidence: Evidence, found: Findings) -> str:
    return (
        f"{evidence.split} split: {found.images:,} images of {found.patients:,} patients; "
        f"positive: {evidence.positive}, negative: {evidence.negative}. Right or wrong at "
        f"the threshold {THRESHOLD}. 1 seed. value [low, high]: {100 * CONFIDENCE:.0f} % "
        f"interval over {RESAMPLES:,} resamples of patients; it does not cover the choice of "
        "the seed."
    )


def _cases_caption(evidence: Evidence) -> str:
    return (
        f"The cases of {next(iter(evidence.diagnoses))} are drawn at random (seed {evidence.seed}),"
        f" {EACH} right and {EACH} wrong ones of each class, one per patient, where there are as "
        f"many. Each map is drawn from 0 to its own maximum. Their numbers are in {ATTRIBUTION}."
    )


def share_caption(without_field: int) -> str:
    """What the shares of attribution are.

    Args:
        without_field: Images in which no lung field was found.
    """
    left_out = f"{without_field} images without a lung field are left out"
    return (
        "lungs: the lungs' share of the image, what a uniform map would get; a difference above 0 "
        f"says that a map prefers the lungs. {left_out}. empty: images whose map is 0 everywhere; "
        "they have no share. Lung fields are found by thresholds, and not checked by a reader. A "
        "share says where a map lies, not that the network is right for the right reason."
    )


def _pointing_caption(evidence: Evidence, found: Findings) -> str:
    return (
        f"Images of {evidence.positive} with a lesion. A hit: the centre of the map's largest "
        f"place is in the lesion or at most {found.tolerance} pixels from it; an empty map "
        "misses. chance: a place of the same map drawn at random; in lungs: one drawn among the "
        "places in the lung field found; possible: images in which some place of the map hits."
    )


def share_table(shares: Sequence[LungShare]) -> Table:
    """How much of each method's maps is inside the lung field, by class and by outcome."""
    rows: list[Row] = [
        (
            *(one.method, one.label, one.outcome, one.images, one.patients, one.empty),
            *(_estimate(one.lungs), _estimate(one.share), _estimate(one.difference, "+")),
        )
        for one in shares
        if (one.label == ALL) == (one.outcome == ALL)
    ]
    columns = (
        *("Method", Column("Class", 6), Column("Outcome", 5), Column("Images", 2), "Patients"),
        *("Empty", Column("Lungs", 1), Column("Share inside", 4), Column("Difference", 3)),
    )
    return make_table("Attribution inside the lungs", "", columns, rows)


def pointing_table(found: Mapping[str, Sequence[Pointing]]) -> Table:
    """How often each method's largest place is in the lesion."""
    rows: list[Row] = [
        (
            *(model, row.method, row.images, row.patients, row.empty),
            *(_estimate(one) for one in (row.hits, row.chance, row.chance_in_lungs, row.possible)),
            _estimate(row.difference, "+"),
        )
        for model, results in found.items()
        for row in results
    ]
    columns = (
        *("Model", Column("Method", 6), Column("Images", 3), "Patients", "Empty"),
        *(Column("Hits", 5), Column("Chance", 2), Column("In lungs", 1), Column("Possible", 1)),
        Column("Hits - chance", 4),
    )
    return make_table("Pointing at the lesion", "", columns, rows)


def alignment_table(found: Sequence[Alignment]) -> Table:
    """How alike each network and the next one are, at each stride."""
    rows: list[Row] = [
        (
            f"{one.first} - {one.second}",
            one.stride,
            _estimate(one.cka),
            one.unbiased if one.unbiased is not None else UNDEFINED,
        )
        for one in found
    ]
    columns = ("Networks", "Stride", "Linear CKA", "Unbiased")
    return make_table("The networks of the chain", "", columns, rows)


def _estimate(estimate: Estimate, sign: str = "") -> TableCell:
    """With three digits of the interval too."""
    if estimate.value is None:
        return UNDEFINED
    text = f"{estimate.value:{sign}.3f}"
    if estimate.low is None or estimate.high is None:
        return TableCell(text, estimate.value, "[none]")
    interval = f"[{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
    return TableCell(text, estimate.value, interval)
