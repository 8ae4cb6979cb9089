"""A stage's nearly identical training images are left out, counted and named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from tiny import Load, console_of, run_quietly

from data_modules.config import DataConfig, ThinConfig
from matl.config import Experiment
from matl.errors import MatlError
from matl.orchestrator.plan import make_plan
from matl.orchestrator.show import show_data, show_plan

ALONE = "chain=[diagnosis]"
NOTE = "diagnosis: thin: 8 of 12 training images kept (images within a distance of 20 of another"


def write_slices(root: Path, twice: bool = False) -> DataConfig:
    """Six persons with three slices each, the second a copy of the first that is a little darker.

    Args:
        root: The folder to write.
        twice: Whether the first slice is there under the other class, too.
    """
    root.mkdir()
    rows = ["path,label,patient,split"]
    for person in range(6):
        split = "train" if person < 4 else "val" if person < 5 else "test"
        for number in range(3):
            noise = np.random.default_rng([person, number // 2]).integers(0, 256, (64, 64))
            image = Image.fromarray(noise.astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
            drawn = ImageOps.autocontrast(image).point(
                [value * (19 + number) // 21 for value in range(256)]
            )
            drawn.save(root / f"{person}-{number}.png")
            rows.append(f"{person}-{number}.png,{'ab'[number % 2]},p{person},{split}")
    if twice:
        Image.open(root / "0-0.png").save(root / "again.png", compress_level=0)
        rows.append("again.png,b,p0,train")
    (root / "samples.csv").write_text("\n".join(rows))
    return DataConfig(name="csv", root=str(root), positive="a", thin=ThinConfig("patient"))


@pytest.fixture
def slices(load_tiny: Load, tmp_path: Path) -> Experiment:
    experiment = load_tiny(ALONE)
    experiment.stages["diagnosis"].data = write_slices(tmp_path / "slices")
    return experiment


def test_a_plan_and_its_fingerprint_have_only_what_remains(slices: Experiment) -> None:
    [thinned] = make_plan(slices).chain
    data = slices.stages["diagnosis"].data
    data.thin.within = "none"
    [whole] = make_plan(slices).chain
    assert (len(whole.training), len(thinned.training)) == (12, 8)
    held_out = [
        one.samples.table[one.samples.table["split"] != "train"] for one in (whole, thinned)
    ]
    assert held_out[0].to_dict("list") == held_out[1].to_dict("list")
    assert thinned.fingerprint != whole.fingerprint
    data.thin = ThinConfig("patient", 0)
    assert make_plan(slices).chain[0].fingerprint == whole.fingerprint


def test_every_command_says_what_is_left_out(slices: Experiment) -> None:
    console, shown = console_of()
    show_plan(make_plan(slices), console)
    show_data(slices, console)
    said = " ".join(shown.getvalue().split())
    assert said.count(NOTE) == 2
    assert said.count("an epoch takes 67 % of the steps") == 2
    record, folder, shown_by_run = run_quietly(slices)
    assert NOTE in " ".join(shown_by_run.split())
    assert sum(NOTE in note for note in record.notes) == 1
    assert NOTE in (folder / "report.md").read_text()
    assert record.stages[-1].images == 8


def test_a_union_is_thinned_as_a_whole(slices: Experiment, load_tiny: Load) -> None:
    experiment = load_tiny("chain=[lung,diagnosis]")
    root = slices.stages["diagnosis"].data.root
    members = [{"name": "csv", "root": root}, {"name": "phantom_ct", "options": {"patients": 8}}]
    experiment.stages["lung"].data = DataConfig(union=members, thin=ThinConfig("source"))
    lung = make_plan(experiment).chain[0]
    assert (lung.training.table["source"] == "slices").sum() == 8
    assert sum("thin: " in note and "of their source" in note for note in lung.samples.notes) == 1


def test_one_image_in_two_classes_is_refused_before_it_is_thinned(
    load_tiny: Load, tmp_path: Path
) -> None:
    experiment = load_tiny(ALONE)
    experiment.stages["diagnosis"].data = write_slices(tmp_path / "slices", twice=True)
    with pytest.raises(MatlError, match=r"2 images are in two classes \(such as 0-0\.png, a, and"):
        make_plan(experiment)


def test_a_class_that_is_thinned_away_is_explained(slices: Experiment) -> None:
    table = Path(str(slices.stages["diagnosis"].data.root)) / "samples.csv"
    rows = table.read_text().replace(",train", ",test")
    for row in ("0-0.png,a,p0", "0-1.png,b,p0"):
        rows = rows.replace(f"{row},test", f"{row},train")
    table.write_text(rows.replace("0-2.png,a,p0", "0-2.png,a,p6"))
    expected = (
        r"data: no training image is of the class '[ab]'; thin: 1 of 2 .* are left out: 1, such"
    )
    with pytest.raises(MatlError, match=expected):
        make_plan(slices)
