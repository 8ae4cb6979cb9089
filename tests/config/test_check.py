"""Values are checked, each alone and then together."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPOSITORY

from matl.config import checked, load_experiment
from matl.errors import MatlError

SHIPPED = sorted((REPOSITORY / "experiments").glob("*.yaml"))


def test_a_network_of_one_size_takes_no_other(minimal: Path) -> None:
    network = "backbone={name: eca_botnext26ts_256, operator: none}"
    with pytest.raises(MatlError, match=r"stages.diagnosis.size: .* 256 x 256 pixels only"):
        load_experiment(minimal, [network])
    assert load_experiment(minimal, [network, "stages.diagnosis.size=256"])


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
        (f"name={'a' * 250}", ("name", "250 bytes long; use at most 100")),
        ("name=" + "\u00e4" * 60, ("name", "120 bytes long")),
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


def test_a_path_that_is_not_utf_8_is_refused(minimal: Path) -> None:
    """A report holds it, which is written behind the training."""
    experiment = load_experiment(minimal)
    with pytest.raises(MatlError, match=r"data_root: 'r\\udcf6ntgen' is not UTF-8; rename it"):
        checked(replace(experiment, data_root="r\udcf6ntgen"))
    experiment.stages["diagnosis"].data.options["a"] = ["\udcf6"]
    with pytest.raises(MatlError, match=r"stages\.diagnosis\.data\.options\.a: .* is not UTF-8"):
        checked(experiment)


def test_a_stretched_stage_takes_no_spacing(minimal: Path) -> None:
    data = "stages.diagnosis.data={name: folder, root: x, positive: ill, options: {spacing: 1.5}}"
    with pytest.raises(MatlError, match=r"stages.diagnosis.fit: stretch changes the spacing that"):
        load_experiment(minimal, [data, "stages.diagnosis.fit=stretch"])
    member = "{name: folder, root: x, options: {spacing: 1.5}}"
    union = f"stages.diagnosis.data={{union: [{member}], positive: ill, name: null}}"
    with pytest.raises(MatlError, match=r"stages.diagnosis.fit: stretch changes the spacing that"):
        load_experiment(minimal, [union, "stages.diagnosis.fit=stretch"])
    assert load_experiment(minimal, [data])


@pytest.mark.parametrize(
    ("option", "expected"),
    [("slices=some", "write all, or any of every"), ("spacing=0", "write millimetres per pixel")],
)
def test_a_wrong_option_of_scans_is_one_line(minimal: Path, option: str, expected: str) -> None:
    data = "stages.diagnosis.data={name: folder, root: x, positive: ill}"
    with pytest.raises(MatlError, match=expected) as error:
        load_experiment(minimal, [data, f"stages.diagnosis.data.options.{option}"])
    assert "\n" not in str(error.value)
