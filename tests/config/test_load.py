"""Experiments from YAML: extends, overrides, and one line for every mistake."""

from pathlib import Path

import pytest
from conftest import REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st

from matl.config import load_experiment
from matl.config.load import to_yaml
from matl.errors import MatlError
from matl.stages.diagnosis.task import DiagnosisConfig
from matl.stages.source.task import SourceConfig
from matl.stages.ssl.multi_scale.method import MultiScaleConfig

SHIPPED = sorted((REPOSITORY / "experiments").glob("*.yaml"))
MINIMAL = """
name: minimal
stages:
  diagnosis: {part: 3, task: diagnosis, data: {name: phantom_ct}, epochs: 2}
chain: [diagnosis]
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    file = tmp_path / "minimal.yaml"
    file.write_text(MINIMAL)
    return file


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_experiments_are_valid(file: Path) -> None:
    experiment = load_experiment(file)
    assert experiment.chain[-1] == "diagnosis"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_resolved_experiment_reads_back_the_same(file: Path, tmp_path: Path) -> None:
    experiment = load_experiment(file)
    copy = tmp_path / "copy.yaml"
    copy.write_text(to_yaml(experiment))
    assert load_experiment(copy) == experiment


def test_stages_are_typed_by_their_task() -> None:
    stages = load_experiment(REPOSITORY / "experiments" / "demo.yaml").stages
    kinds = [type(stage) for stage in stages.values()]
    assert kinds == [SourceConfig, SourceConfig, MultiScaleConfig, DiagnosisConfig]


def test_extends_joins_mappings_and_replaces_lists(minimal: Path, tmp_path: Path) -> None:
    child = tmp_path / "child.yaml"
    child.write_text(
        "extends: minimal.yaml\nbackbone: {at_strides: [32]}\nstages: {diagnosis: {epochs: 7}}\n"
    )
    experiment = load_experiment(child)
    assert experiment.name == "minimal"
    assert experiment.backbone.at_strides == [32]
    assert experiment.stages["diagnosis"].epochs == 7
    assert experiment.stages["diagnosis"].data.name == "phantom_ct"


def test_a_network_of_one_size_takes_no_other(minimal: Path) -> None:
    network = "backbone={name: eca_botnext26ts_256, operator: none}"
    with pytest.raises(MatlError, match=r"stages.diagnosis.size: .* 256 x 256 pixels only"):
        load_experiment(minimal, [network])
    assert load_experiment(minimal, [network, "stages.diagnosis.size=256"])


@settings(max_examples=20, deadline=None)
@given(epochs=st.integers(1, 10_000), lr=st.floats(1e-6, 10.0), seed=st.integers(0, 2**31))
def test_overrides_win(epochs: int, lr: float, seed: int) -> None:
    overrides = [f"stages.lung.epochs={epochs}", f"stages.lung.lr={lr!r}", f"seed={seed}"]
    experiment = load_experiment(REPOSITORY / "experiments" / "demo.yaml", overrides)
    lung = experiment.stages["lung"]
    assert (lung.epochs, lung.lr, experiment.seed) == (epochs, lr, seed)


def test_interpolation(minimal: Path) -> None:
    overrides = ["stages.diagnosis.epochs=${seed}", "seed=3"]
    assert load_experiment(minimal, overrides).stages["diagnosis"].epochs == 3


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("stages.diagnosis.epoch=3", ("stages.diagnosis.epoch", "'epochs'")),
        ("backbone.operater=none", ("backbone.operater", "'operator'")),
        ("stagez.a=1", ("stagez", "'stages'")),
        ("stages.diagnosis.epochs=-1", ("stages.diagnosis.epochs", "at least 1")),
        ("stages.diagnosis.epochs=many", ("stages.diagnosis.epochs", "many")),
        ("stages.diagnosis.lr=.nan", ("stages.diagnosis.lr", "no number")),
        ("stages.diagnosis.size=16", ("stages.diagnosis.size", "32 to 1024")),
        ("stages.diagnosis.freeze=9", ("stages.diagnosis.freeze", "none, all, or a stride")),
        ("stages.diagnosis.freeze=16.0", ("stages.diagnosis.freeze", "none, all, or a stride")),
        ("stages.diagnosis.layer_decay=1.5", ("stages.diagnosis.layer_decay", "at most 1")),
        ("stages.diagnosis.transfer=operator", ("stages.diagnosis.transfer", "'operators'")),
        ("stages.diagnosis.task=diagnose", ("stages.diagnosis.task", "'diagnosis'")),
        ("stages.diagnosis.optimizer=adamww", ("stages.diagnosis.optimizer", "adamw")),
        ("stages.diagnosis.optimizer=bnbadam", ("stages.diagnosis.optimizer", "cannot be used")),
        ("stages.diagnosis.data.name=phantom_cd", ("stages.diagnosis.data.name", "phantom_ct")),
        ("stages.diagnosis.data.split=kfolds", ("stages.diagnosis.data.split", "kfold")),
        ("backbone.at_strides=[9]", ("backbone.at_strides", "9")),
        ("backbone.name=resnet81", ("backbone.name", "resnet18")),
        ("backbone.name=selecsls42", ("backbone.name", "passes more than maps on")),
        ("backbone.in_channels=2", ("backbone.in_channels", "2")),
        ("chain=[]", ("chain", "empty")),
        ("backbone.at_strides=[32,32]", ("backbone.at_strides", "twice")),
        ("stages.diagnosis.views.crop=[0.9]", ("stages.diagnosis.views.crop", "largest")),
        ("name=../escape", ("name", "no name")),
        ("trainer.devices=true", ("trainer.devices", "True")),
        ("chain=[diagnosi]", ("chain", "'diagnosis'")),
        ("chain=[diagnosis,diagnosis]", ("chain", "twice")),
        ("trainer.precision=bf17", ("trainer.precision", "bf16-mixed")),
        ("trainer.devices=0", ("trainer.devices", "0")),
        ("stages.diagnosis=3", ("stages.diagnosis", "mapping")),
        ("backbone=3", ("backbone", "mapping")),
        ("seed", ("seed", "key=value")),
        ("stages.diagnosis.epochs=${nowhere}", ("stages.diagnosis.epochs", "nowhere")),
    ],
)
def test_a_wrong_setting_is_one_line(
    minimal: Path, override: str, expected: tuple[str, str]
) -> None:
    with pytest.raises(MatlError) as caught:
        load_experiment(minimal, [override])
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(override), message
    assert all(part in message for part in expected), message


def test_a_wrong_key_names_the_file_that_holds_it(minimal: Path, tmp_path: Path) -> None:
    child = tmp_path / "child.yaml"
    child.write_text("extends: minimal.yaml\nbackbone: {nam: resnet18}\n")
    with pytest.raises(MatlError, match=r"child\.yaml: backbone\.nam.*'name'"):
        load_experiment(child)
    minimal.write_text(MINIMAL + "sead: 1\n")
    child.write_text("extends: minimal.yaml\nseed: 1\n")
    with pytest.raises(MatlError, match=r"minimal\.yaml: sead.*'seed'"):
        load_experiment(child)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "text file"),
        (b"name: !!python/object/apply:os.system ['true']\n", "python/object"),
        (b"- a\n- b\n", "no mapping"),
        (b"name: [1\n", "line"),
        (b"name: x\nextends: wrong.yaml\n", "leads back"),
        (b"name: x\nextends: nowhere.yaml\n", "no such file"),
        (b"name: x\nname: y\n", "duplicate"),
        (b"name: x\nstages: &a {b: *a}\n", "holds itself"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_bytes(content)
    with pytest.raises(MatlError, match=expected) as caught:
        load_experiment(file)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="no such file"):
        load_experiment(tmp_path / "nowhere.yaml")


def test_a_chain_must_end_in_a_diagnosis() -> None:
    with pytest.raises(MatlError, match="no diagnosis"):
        load_experiment(REPOSITORY / "experiments" / "demo.yaml", ["chain=[shapes,lung]"])


def test_a_chain_must_not_go_back() -> None:
    with pytest.raises(MatlError, match="go back"):
        load_experiment(REPOSITORY / "experiments" / "demo.yaml", ["chain=[lung,xray,diagnosis]"])


def test_a_network_without_named_layers_has_no_layer_decay(minimal: Path) -> None:
    """It is told before any stage trains."""
    words = ["backbone.name=poolformer_s12", "backbone.operator=none"]
    load_experiment(minimal, words)
    with pytest.raises(MatlError, match=r"stages\.diagnosis\.layer_decay: timm does not"):
        load_experiment(minimal, [*words, "stages.diagnosis.layer_decay=0.7"])
