import io
from itertools import islice

from PIL import Image

from matl.report.drawing import legend_below, looks, plain_text, png_bytes, score_figure, wrapped


def test_text_is_no_mathematics_and_fits_its_lines():
    assert plain_text("5 $ and $") == r"5 \$ and \$"
    assert wrapped("one two three", 8) == "one two\nthree"
    assert wrapped("", 8) == ""


def test_looks_differ_in_colour_and_in_style():
    seven = list(islice(looks(), 7))
    assert len({colour for colour, _ in seven}) == 7
    assert len({str(look) for look in seven}) == 7


def test_a_figure_grows_by_its_legend_and_shows_it():
    figure, axes = score_figure("title", "x", "y")
    before = figure.get_size_inches()[1]
    for name in ("a", "b", "c"):
        axes.plot([0, 1], [0, 1], label=name)
    legend_below(figure, "models")
    assert figure.get_size_inches()[1] > before
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", "c"]


def test_a_figure_is_a_png_file_and_none_is_none():
    figure, _ = score_figure("title", "x", "y")
    with Image.open(io.BytesIO(png_bytes(figure))) as image:
        assert image.format == "PNG"
    assert png_bytes(None) is None
