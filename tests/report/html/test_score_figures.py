import numpy as np
from report_records import make_record

from matl.evaluation.statistics.calibration import calibration_error
from matl.report.html.score_figures import (
    decision_figure,
    precision_recall_figure,
    reliability_figure,
)

SCORED = make_record().scored
TABLES = SCORED.tables("test")


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_precision_and_recall_with_the_share_of_positives():
    average = {one.model: one.metrics["average_precision"] for one in SCORED.results("test")}
    figure = precision_recall_figure(TABLES, average, "title")
    assert legend(figure) == [f"{name}  {average[name]}" for name in TABLES]
    share = TABLES["chain"]["label"].mean()
    assert figure.axes[0].lines[0].get_ydata()[0] == share


def test_reliability_has_a_dot_for_each_bin_and_the_error():
    figure = reliability_figure(TABLES, "title")
    for name, text in zip(TABLES, legend(figure), strict=True):
        error = calibration_error(*(TABLES[name][one].to_numpy() for one in ("label", "score")))
        assert text == f"{name}  {error:.3f}"
    assert all(len(dots.get_offsets()) > 1 for dots in figure.axes[0].collections)


def test_the_decision_curve_stands_between_acting_on_all_and_on_none():
    figure = decision_figure(TABLES, "title")
    assert legend(figure) == [*TABLES, "act on all", "act on none"]
    none = figure.axes[0].lines[-1]
    assert np.all(none.get_ydata() == 0)
