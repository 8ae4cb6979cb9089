"""The layers of settings: files along `extends`, then overrides."""

from pathlib import Path

import pytest
from conftest import REPOSITORY
from minimal import MINIMAL

from matl.config import load_experiment
from matl.errors import MatlError

SHIPPED = sorted((REPOSITORY / "experiments").glob("*.yaml"))


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
