"""The list of methods."""

from matl.stages.ssl.listing import list_methods, methods_table
from matl.stages.ssl.task import METHODS


def test_list_methods__has_what_each_says_of_itself() -> None:
    listed = list_methods()
    assert set(listed) == set(METHODS)
    assert listed["byol"].paper == "https://arxiv.org/abs/2006.07733"
    assert listed["byol"].passes == (2, 2)
    assert listed["simclr"].learns == (
        "Two views of a scan agree against all other views of the batch."
    )
    assert all(all(facts) for facts in listed.values())


def test_methods_table__has_one_row_per_method() -> None:
    columns = [list(column.cells) for column in methods_table().columns]
    rows = dict(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
    assert set(rows) == set(METHODS)
    assert rows["vicreg"][0] == "2"
    assert rows["moco"][0] == "1 + 1"
    assert rows["moco"][-1] == "arXiv 2003.04297"
