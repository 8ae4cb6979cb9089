import pandas as pd
from ablation_records import drawn_record

from matl.ablation.gain_figures import efficiency_figure, forest_figure

RECORD = drawn_record()


def test_each_difference_is_a_line_and_the_primary_one_is_bold():
    own = [one for one in RECORD.comparisons if one.split == "folds"]
    own.sort(key=lambda one: not one.primary)
    figure = forest_figure(own, "AUROC", 0.05, "Gains")
    left = figure.axes[0]
    labels = left.get_yticklabels()
    assert len(labels) == len(own)
    assert [text.get_fontweight() for text in labels][:2] == ["bold", "normal"]
    margin = [line for line in left.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in margin] == [0.05]
    points = [line.get_xdata() for line in left.lines if line.get_marker() == "o"]
    assert [float(x[0]) for x in points] == [one.plain.value for one in own]


def test_the_run_from_scratch_is_named_in_the_legend_and_the_axis():
    means = [one for one in RECORD.means if one.split == "folds"]
    gains = [one for one in RECORD.comparisons if one.split == "folds" and len(one.arms) == 1]
    floors = pd.Series({1.0: 0.5})
    figure = efficiency_figure(means, gains, floors, "AUROC", "Label efficiency")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "attention, from scratch" in texts
    assert "floor" in texts
    assert figure.axes[1].get_ylabel() == "Gain over training from scratch, AUROC"
