"""The audit of stages: what a diagnosis holds out and an earlier one sees."""

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from public_miniatures import write_covid_ct
from tiny import Load

from data_modules.config import DataConfig
from matl.orchestrator.audit_data import audit_experiment
from matl.orchestrator.plan import Memo, select_images
from matl.report.audit_files import write_audit

CHAIN = "chain=[lung,diagnosis]"


def pictures(page: str) -> list[np.ndarray]:
    """The images of a page, in its order."""
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in found]


def test_a_copy_across_stages_is_shown_as_each_stage_has_it(
    load_tiny: Load, tmp_path: Path
) -> None:
    experiment = load_tiny(CHAIN)
    own = select_images(experiment, "diagnosis", Memo())
    held_out = own.subset(own.table["split"] != "train")
    paths = held_out.table["path"].tolist()
    for path, other in zip(paths, [*paths[2:], *paths[:2]], strict=True):
        copy = tmp_path / "scans" / path  # the path of another image of the diagnosis
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(held_out.root / other, copy)
    experiment.stages["lung"].data = DataConfig(name="folder", root=str(tmp_path / "scans"))
    audits = audit_experiment(experiment)
    [found] = [one for one in audits["diagnosis"].findings if one.kind == "copies_across_stages"]
    write_audit({"diagnosis": audits["diagnosis"]}, tmp_path / "found", "matl audit")
    rows = pd.read_csv(tmp_path / "found" / "rows.csv")
    rows = rows[rows["finding"] == "copies_across_stages"]
    assert len(rows) == found.count > 0
    assert set(rows["data"]) == {"diagnosis"}
    assert set(rows["other_data"]) == {"lung"}
    assert (rows["path"] != rows["other_path"]).all()
    persons = dict(zip(paths, held_out.table["patient"], strict=True))
    assert rows["patient"].tolist() == [persons[path] for path in rows["path"]]
    page = (tmp_path / "found" / "audit.html").read_text()
    article = page[page.index("copies across stages</h3>") :].partition("</article>")[0]
    shown = pictures(article)
    assert len(shown) == 2 * len(rows)
    for row, first, second in zip(rows.itertuples(), shown[::2], shown[1::2], strict=True):
        if row.kind == "exact":
            assert (first == second).all()
    assert "exact" in set(rows["kind"])
    assert "lung · train" in article


def test_each_member_of_a_union_is_checked_whatever_the_split(
    load_tiny: Load, tmp_path: Path
) -> None:
    write_covid_ct(tmp_path / "covid_ct")
    experiment = load_tiny(CHAIN)
    public = {"name": "covid_ct", "root": str(tmp_path / "covid_ct")}
    own = {"name": "phantom_ct", "options": {"patients": 8, "slices": 2, "size": 64}}
    experiment.stages["lung"].data = DataConfig(union=[own, public], split="kfold", folds=2)
    [one] = [
        one for one in audit_experiment(experiment)["lung"].findings if one.kind == "incomplete"
    ]
    assert "matl data check covid_ct" in one.text
