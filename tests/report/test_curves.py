import numpy as np
import pandas as pd
from report_records import make_record

from matl.report.curves import has_values, roc_figure, training_figure


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_visible()]


def test_the_dot_is_at_the_threshold_and_the_legend_has_the_auroc():
    scored = make_record().scored
    tables = scored.tables("test")
    auroc = {one.model: one.metrics["auroc"] for one in scored.results("test")}
    figure = roc_figure(tables, auroc, "title")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"{name}  {auroc[name]}" for name in tables]
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    metrics = scored.results("test")[0].metrics
    [x], [y] = dots[0].get_data()
    assert (1 - x, y) == (metrics["specificity"].value, metrics["sensitivity"].value)


def test_values_of_a_family_and_of_both_splits_share_a_panel_and_the_loss_is_first():
    table = pd.DataFrame({"epoch": [1, 2], "gate/16": [0.1, 0.2], "gate/32": [0.3, 0.4]})
    table = table.assign(**{"val/loss": [1.0, np.inf], "loss": [2.0, 1.0], "note": ["a", "b"]})
    figure = training_figure({"lung": table})
    assert titles(figure) == ["lung: loss", "lung: gate"]
    loss, gate = figure.axes[:2]
    assert [line.get_label() for line in gate.lines] == ["16", "32"]
    assert {line.get_label(): len(line.get_ydata()) for line in loss.lines} == {
        "val": 1,
        "train": 2,
    }


def test_values_of_different_scales_have_a_panel_each():
    table = pd.DataFrame({"embedding/rank": [0.4, None, 0.5], "embedding/uniformity": [-1, -2, -3]})
    figure = training_figure({"lung": table})
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["lung: embedding/rank", "lung: embedding/uniformity"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0, 2]


def test_nothing_logged_is_no_figure():
    empty = pd.DataFrame({"epoch": [1], "note": ["a"], "loss": [np.nan]})
    assert training_figure({"lung": empty}) is None
    assert not has_values(empty)
    assert has_values(empty.assign(loss=1.0))
