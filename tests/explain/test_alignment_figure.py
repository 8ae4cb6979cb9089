from matl.evaluation.metrics import Estimate
from matl.explain.alignment_figure import alignment_figure
from matl.explain.cka import Alignment


def test_each_pair_is_a_line_over_the_strides_with_its_unbiased_estimate():
    found = [
        Alignment(first, second, stride, Estimate(0.9, 0.8, 0.95), unbiased)
        for first, second in (("a", "b"), ("b", "c"))
        for stride, unbiased in ((2, 0.5), (4, None))
    ]
    axes = alignment_figure(found, "cost $5").axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2", "4"]
    lines = [line for line in axes.lines if line.get_linestyle() != "None"]
    assert [line.get_label() for line in lines] == ["a – b", "b – c"]
    assert lines[0].get_xdata()[0] != lines[1].get_xdata()[0]  # side by side, none hides another
    crosses = [line.get_ydata() for line in axes.lines if line.get_marker() == "x"]
    assert [values[0] for values in crosses] == [0.5, 0.5]
    assert axes.get_title() == r"cost \$5"
