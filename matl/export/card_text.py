"""A model card in Markdown."""

from collections.abc import Iterable
from typing import Any

from matl.evaluation.metrics import METRICS, THRESHOLD, Estimate
from matl.export.card import ModelCard
from matl.report.markdown import escape, fenced

NOT_KNOWN = "not known"
NO_LICENCE = (
    "none is named: the first weights were drawn from a seed, or their file names no licence"
)


def card_text(card: ModelCard) -> str:
    """The card as a page."""
    sections = {
        "What it tells": _tells(card),
        "How to call it": [fenced(card.usage, "python"), "", *_facts(card.images)],
        "Parity": [f"Compared with matl at export: {card.parity}."],
        "Data": _table(card.data),
        "Chain": _table(card.chain),
        "Metrics": _metrics(card),
        "Calibration": _calibration(card),
        "Limits": [f"- {escape(one)}" for one in (*card.notes, *card.limits)],
        "Weights and licence": _weights(card),
        "Citation": [escape(card.citation)],
    }
    parts = [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items()]
    return f"# {escape(card.name)} ({card.form})\n\n" + "\n\n".join(parts) + "\n"


def _tells(card: ModelCard) -> list[str]:
    names = ", ".join(map(escape, card.classes))
    if card.positive is None:
        return [f"One probability per class, in this order: {names}."]
    return [f"The probability of {escape(card.positive)}, of the classes {names}."]


def _facts(facts: dict[str, Any]) -> list[str]:
    return [f"- {name.replace('_', ' ')}: {_cell(value)}" for name, value in facts.items()]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [[name.replace("_", " ") for name in rows[0]], ["---"] * len(rows[0])]
    lines += [[_cell(value) for value in row.values()] for row in rows]
    return [_line(line) for line in lines]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return escape(", ".join(f"{name} {one}" for name, one in value.items()))
    if isinstance(value, list | tuple):
        return escape(", ".join(map(_number, value)))
    return escape(str(value))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _metrics(card: ModelCard) -> list[str]:
    if not card.metrics:
        return ["Not known: see the limits."]
    threshold = f" Called positive from {THRESHOLD} on." if card.positive else ""
    interval = "Value [low, high]: 95 % interval over patients; [none]: too few patients for one."
    lines = [escape(interval) + threshold, ""]
    for result in card.metrics:
        lines += [f"By {result['by']}, {result['split']} split: {escape(result['of'])}.", ""]
        lines += [_line(("metric", "value")), _line(("---", "---"))]
        for name, values in result["metrics"].items():
            lines.append(_line((METRICS.get(name, name), str(Estimate(**values)))))
        lines.append("")
    return lines[:-1]


def _calibration(card: ModelCard) -> list[str]:
    found = card.calibration
    if found is None:
        return [NOT_KNOWN.capitalize() + "."]
    lines = [
        f"Expected calibration error on the test split: {found['error']:.3f}; calibrated scores of "
        f"the same patients would show about {found['by_chance']:.3f}."
    ]
    if found["temperature"] is not None:
        lines.append(
            f"At the temperature {found['temperature']:.3g}, fitted on the validation split and "
            f"not part of the export: {found['scaled_error']:.3f}."
        )
    return lines


def _weights(card: ModelCard) -> list[str]:
    weights = card.weights
    if weights is None:
        return [f"{NOT_KNOWN.capitalize()}: the weights have no card."]
    return [
        f"- source: {escape(weights.source)}",
        f"- licence of the weights it began from: {escape(weights.licence or NO_LICENCE)}",
        f"- trained on: {escape(weights.learned_from)}",
        f"- grey-level windows: {escape(', '.join(weights.window) or NOT_KNOWN)}",
    ]
