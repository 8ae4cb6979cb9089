"""`matl init` writes an experiment that can be planned, and says what it took."""

import io
import shutil
from pathlib import Path

import pytest
from conftest import REPOSITORY
from drawn_images import draw
from rich.console import Console
from tiny import console_of

from matl.config import load_experiment
from matl.errors import MatlError
from matl.orchestrator.plan import make_plan
from matl.own_data import OwnData, write_experiment

CLASSES = ("covid", "normal")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_becomes_an_experiment_that_can_be_planned() -> None:
    draw(Path("my scans"), *(f"{name}/{number}.png" for name in CLASSES for number in range(40)))
    shutil.copy("my scans/covid/3.png", "my scans/covid/copy.png")
    console, shown = console_of()
    file = write_experiment(Path("my scans"), None, console)
    assert file == Path("my_scans.yaml")
    plan = make_plan(load_experiment(file))
    assert [stage.name for stage in plan.chain] == ["lung", "diagnosis"]
    assert plan.chain[-1].samples.positive == "covid"
    for line in (
        "Classes: covid, normal",
        "Positive class: covid (from the classes' names",
        "Patients: 80, not named",
        "Split: dealt by image, 70 % train, 10 % val, 20 % test",
        "matl run my_scans.yaml",
    ):
        assert line in shown.getvalue()
    with pytest.raises(MatlError, match=r"my_scans\.yaml: exists already; use .* --name NAME$"):
        write_experiment(Path("my scans"), None, console)
    other = write_experiment(Path("my scans"), None, console, name="other scans")
    assert other == Path("other_scans.yaml")
    assert load_experiment(other).name == "other_scans"


def test_a_table_becomes_an_experiment() -> None:
    draw(Path("data"), *(f"{number}.png" for number in range(40)))
    rows = [f"{n}.png,{n % 2},p{n // 2 * 2 + n % 2}" for n in range(40)]
    Path("data/list.csv").write_text("\n".join(["path,label,patient", *rows]))
    console, shown = console_of()
    experiment = load_experiment(write_experiment(Path("data/list.csv"), None, console))
    assert experiment.stages["diagnosis"].data.options == {"table": "list.csv"}
    assert make_plan(experiment).chain[-1].samples.positive == "1"
    assert "Patients: 40, named" in shown.getvalue()


@pytest.mark.parametrize(
    ("classes", "asked", "positive"),
    [
        (("covid", "NonCOVID"), None, "covid"),
        (("0", "1"), None, "1"),
        (("no", "yes"), None, "yes"),
        (("benign", "malignant"), None, "malignant"),
        (("flu", "covid"), "flu", "flu"),
        (("flu", "covid"), None, "which class is the diagnosis"),
        (("flu", "covid", "normal"), None, "one of: covid, flu, normal, or null to tell all apart"),
        (("covid", "normal"), "ill", "the classes are covid, normal"),
        (("covid",), None, "needs two classes, and here are: covid"),
    ],
)
def test_the_positive_class_is_taken_from_names_that_tell_or_asked_for(
    classes: tuple[str, ...], asked: str | None, positive: str
) -> None:
    draw(Path("scans"), *(f"{name}/{number}.png" for name in classes for number in range(10)))
    quiet = Console(file=io.StringIO())
    if " " not in positive:
        experiment = load_experiment(write_experiment(Path("scans"), asked, quiet))
        assert experiment.stages["diagnosis"].data.positive == positive
        return
    with pytest.raises(MatlError, match=positive):
        write_experiment(Path("scans"), asked, quiet)
    assert not Path("scans.yaml").exists()


@pytest.mark.parametrize("name", ["scans.yaml", "scans.YML", "nowhere.yaml"])
def test_an_experiment_is_not_taken_for_images(name: str) -> None:
    for one in ("scans.yaml", "scans.YML"):
        Path(one).write_text("name: scans\n")
    expected = f"^{name}: names an experiment; matl plan {name} shows"
    with pytest.raises(MatlError, match=expected):
        write_experiment(Path(name), None, Console(file=io.StringIO()))


@pytest.mark.parametrize(
    ("files", "ends"),
    [
        (["1.png", "samples.csv"], "none; it holds samples.csv: matl init 'my scans/samples.csv'"),
        (["1.png", "a.csv"], "none; it holds a.csv: matl init 'my scans/a.csv'"),
        (["1.png", "a.csv", "samples.csv"], "matl init 'my scans/samples.csv'"),
        (["a/1.png", "a.csv"], "a; it holds a.csv: matl init 'my scans/a.csv'"),
        (
            ["top/in/covid/1.png", "top/in/normal/1.png"],
            "top; my scans/top/in has the classes: matl init 'my scans/top/in'",
        ),
        (["top/covid/p1/1.png", "top/NonCOVID/p2/1.png"], "matl init 'my scans/top'"),
        (["covid/p1/1.png", "covid/p2/1.png"], "here are: covid"),
        (["covid/0/1.png", "covid/1/1.png"], "here are: covid"),
        (["normal/p1/1.png"], "here are: normal"),
        (["1.png"], "here are: none"),
    ],
)
def test_what_may_be_meant_is_named_where_a_folder_has_no_classes(
    files: list[str], ends: str
) -> None:
    draw(Path("my scans"), *(name for name in files if name.endswith(".png")))
    for name in files:
        if name.endswith(".csv"):
            Path("my scans", name).write_text("path,label\n1.png,covid\n")
    with pytest.raises(MatlError) as caught:
        write_experiment(Path("my scans"), None, Console(file=io.StringIO()))
    assert str(caught.value).endswith(ends)


def test_three_classes_are_told_apart_where_that_is_asked_for() -> None:
    draw(Path("scans"), *(f"{name}/{number}.png" for name in "abc" for number in range(10)))
    shown = io.StringIO()
    experiment = load_experiment(write_experiment(Path("scans"), "null", Console(file=shown)))
    assert experiment.stages["diagnosis"].data.positive is None
    assert "Positive class: none (multi-class" in shown.getvalue()
    make_plan(experiment)


def test_the_shipped_templates_are_what_it_writes() -> None:
    for name, kind, title in (
        (
            "own_images",
            "folder",
            "A template for a folder of images, scans/<class>/[<patient>/]<image>",
        ),
        ("own_table", "csv", "A template for images that scans/samples.csv lists"),
    ):
        file = f"experiments/{name}.yaml"
        own = OwnData(file, title, name, kind, "scans", "covid")
        assert (REPOSITORY / file).read_text() == own.experiment()
