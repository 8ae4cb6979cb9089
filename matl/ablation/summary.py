"""What an ablation has found so far as Markdown, which the command prints at its end."""

from collections.abc import Iterator

from matl.ablation.ablation_record import AblationRecord
from matl.ablation.results import covered, place
from matl.report.tables import escape, markdown_table


def summary(record: AblationRecord) -> str:
    """The verdict, what each arm reaches, and every comparison, the primary one first."""
    parts = [f"# {escape(record.name)}", *map(escape, record.notes), *_verdict(record)]
    parts += [_tested(record), _means(record), _comparisons(record)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _verdict(record: AblationRecord) -> Iterator[str]:
    one = record.primary
    if one is not None:
        yield (
            f"{escape(one.what)}, {escape(one.place)}: **{record.verdict}** against a margin of "
            f"{record.margin:g}: {record.metric_name} {one.plain.text()}, {one.plain.seeds} of "
            f"{len(record.seeds)} seeds."
        )


def _tested(record: AblationRecord) -> str:
    splits = [
        f"{one.split}: {one.images:,} test images of {one.patients:,} patients, {one.dealt}"
        for one in record.tested
    ]
    return escape(f"{'; '.join(splits)}. Positive class: {record.tested[0].positive}.")


def _means(record: AblationRecord) -> str:
    if not record.means:
        return "No cell is finished yet."
    rows = [
        (
            *map(escape, (one.arm, one.regime, place(one.split, one.fraction))),
            one.value.text(".3f"),
            "" if one.floor is None else f"{one.floor:.3f}",
            str(one.value.seeds),
        )
        for one in record.means
    ]
    header = ("arm", "regime", "split", record.metric_name, "floor", "seeds")
    what = covered([one.value for one in record.means])
    caption = f"In brackets: 95 % intervals {what}. The floor has none."
    return markdown_table(header, rows) + "\n" + caption


def _comparisons(record: AblationRecord) -> str:
    if not record.comparisons:
        return ""
    rows = [
        (
            *map(escape, (one.what, one.place)),
            *(one.plain.text(), one.logit.text(), escape(one.p_text), str(one.plain.seeds)),
            "primary" if one.primary else "exploratory",
        )
        for one in sorted(record.comparisons, key=lambda one: not one.primary)
    ]
    header = ("gain", "split", record.metric_name, "logit", "p", "seeds", "")
    what = covered([one.plain for one in record.comparisons])
    caption = (
        f"In brackets: 95 % intervals {what}, not adjusted for their number. p: exploratory ones "
        "are adjusted by Holm's method. a - b: the gain of a less that of b."
    )
    return markdown_table(header, rows) + "\n" + caption
