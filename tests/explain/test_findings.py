import numpy as np
from evidence import IMAGES, evidence

from matl.explain.findings import measure


def test_every_image_has_the_share_of_each_map_in_its_lungs():
    made = evidence()
    found = measure(made)
    table = found.tables["chain"]
    fields = made.pictures.fields
    assert table["lung_share"].isna().to_numpy().nonzero()[0].tolist() == [5]
    whole = fields[0].mean()
    assert table["lung_share"][0] == whole
    assert np.isnan(table["grad_cam"][7])  # a map that is 0 everywhere has no share
    assert (found.images, found.patients, found.without_field) == (IMAGES, 8, 1)
    assert list(found.shares) == ["chain"]


def test_what_is_not_known_is_not_measured():
    found = measure(evidence(lesions=False, networks=1))
    assert found.pointing == {}
    assert found.alignments == []
    both = measure(evidence())
    assert [(one.first, one.second) for one in both.alignments] == [("stage0", "stage1")]
    assert {one.method for one in both.pointing["chain"]} == {"grad_cam", "attention_16"}
