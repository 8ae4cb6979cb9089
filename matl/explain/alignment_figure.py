"""The alignment of a chain's networks as lines over the strides."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from matl.explain.cka import Alignment
from matl.report.drawing import looks, new_figure, plain_text


def alignment_figure(found: Sequence[Alignment], title: str) -> Figure:
    """Draws one line per pair of networks, with its intervals; crosses: unbiased estimates."""
    figure = new_figure(7, 4.8)
    axes = figure.subplots()
    strides = sorted({one.stride for one in found})
    pairs = list(dict.fromkeys((one.first, one.second) for one in found))
    for number, (pair, (colour, style)) in enumerate(zip(pairs, looks(), strict=False)):
        of_pair = [one for one in found if (one.first, one.second) == pair]
        shift = 0.06 * (number - (len(pairs) - 1) / 2)
        places = [strides.index(one.stride) + shift for one in of_pair]
        bars = [[_number(end) for end in (one.cka.low, one.cka.high)] for one in of_pair]
        values = [_number(one.cka.value) for one in of_pair]
        label = plain_text(f"{pair[0]} – {pair[1]}")
        axes.plot(places, values, color=colour, linestyle=style, marker="o", ms=5, label=label)
        axes.vlines(places, *np.transpose(bars), color=colour, linewidth=1)
        unbiased = [_number(one.unbiased) for one in of_pair]
        axes.plot(places, unbiased, color=colour, linestyle="none", marker="x", ms=6)
    axes.set_xticks(range(len(strides)), [str(stride) for stride in strides])
    axes.set_xlabel("stride of the map, its operator included")
    axes.set_ylabel("linear CKA")
    axes.set_ylim(min(-0.02, axes.get_ylim()[0]), 1.02)
    axes.grid(alpha=0.3)
    axes.set_title(plain_text(title), fontsize=10)
    note = "bars: 95 % over patients (jackknife); crosses: unbiased estimate"
    figure.legend(loc="outside lower center", title=note, fontsize=8, title_fontsize=8)
    return figure


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
