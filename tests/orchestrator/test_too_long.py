"""Images that are too long to be cropped are named by the plan as the run names them."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from tiny import Load, console_of

from data_modules.errors import DataError
from matl.config import Experiment
from matl.orchestrator.plan import make_plan
from matl.orchestrator.show import show_plan
from matl.orchestrator.stage_images import open_images

LONG = "is 900 x 40 pixels, of which 32 x 32 would show less than 1 / 8; leave it out, or train"


@pytest.fixture
def of_own_scans(load_tiny: Load, tmp_path: Path) -> Load:
    """The tiny experiment, whose lung stage reads scans of which one is long."""
    samples = make_plan(load_tiny()).chain[1].samples
    root = tmp_path / "scans"
    shutil.copytree(samples.root, root)
    Image.linear_gradient("L").resize((900, 40)).save(root / samples.table["path"].iloc[-1])
    rows = pd.DataFrame({"path": samples.table["path"], "label": ""})
    rows.to_csv(root / "samples.csv", index=False)

    def load(more: str = "", *words: str) -> Experiment:
        data = f"{{name: csv, root: {root}, options: null{more}}}"
        return load_tiny(f"stages.lung.data={data}", *words)

    return load


def test_what_a_run_refuses_the_plan_refuses_in_the_same_words(of_own_scans: Load) -> None:
    plan = make_plan(of_own_scans())
    with pytest.raises(DataError, match=LONG) as of_run:
        open_images(plan.experiment, plan.chain[1])
    console, shown = console_of()
    with pytest.raises(DataError) as of_plan:
        show_plan(plan, console)
    assert str(of_plan.value) == str(of_run.value)
    assert shown.getvalue() == ""


def test_what_a_run_leaves_out_is_a_warning_of_the_plan(of_own_scans: Load) -> None:
    plan = make_plan(of_own_scans(", on_bad_image: skip"))
    console, shown = console_of()
    show_plan(plan, console)
    said = " ".join(shown.getvalue().split())
    notes = open_images(plan.experiment, plan.chain[1]).samples.notes
    [note] = [one for one in notes if LONG in one]
    assert note.removeprefix("WARNING: ") in said


def test_a_stage_that_pads_takes_long_images(of_own_scans: Load) -> None:
    console, shown = console_of()
    show_plan(make_plan(of_own_scans("", "stages.lung.fit=pad")), console)
    assert "900 x 40" not in shown.getvalue()
