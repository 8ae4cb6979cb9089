"""Of a path from outside the last name stays, and all else is as it was."""

import json
import shlex

import pytest

from matl.report.paths import command_line, hide_paths, hide_value


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("a=/data/x b", "a=…/x b"),
        ("'/data/x'", "'…/x'"),
        ("file:///data/x", "…/x"),
        ("C:\\Users\\x", "…/x"),
        ("C:/Users/x", "…/x"),
        ("../Doe_John/scans and ~/Doe_John/x, ~jane/y", "…/scans and …/x, …/y"),
        ("runs/../../Doe/x", "runs/…/x"),
        ("\\\\server\\share\\Doe or //server/share/x", "…/Doe or …/x"),
        (
            "/home/Jane Doe/a.png: torn, see /tmp/b for 24 images/s",
            "…/a.png: torn, see …/b for 24 images/s",
        ),
        ("[Errno 2] no file: '/home/Jane A Doe/x'; it's", "[Errno 2] no file: '…/x'; it's"),
        ("24 images/s, gate/16, ./a/b, about ~1/2", "24 images/s, gate/16, ./a/b, about ~1/2"),
        ("in /tmp/a: images/s", "in …/a: images/s"),
        ("https://host/a/b", "https://host/a/b"),
        ("1 / 2", "1 / 2"),
    ],
)
def test_paths_from_outside_are_shortened(text: str, hidden: str) -> None:
    assert hide_paths(text) == hidden
    assert hide_paths(hidden) == hidden


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("data_root=/home/Jane Doe, MD/my scans", "data_root=…/my scans"),
        ("/home/Jane van Doe/demo.yaml", "…/demo.yaml"),
        ("folder:../Doe, John/scans", "folder:…/scans"),
        ("--data=folder:~/Doe John/scans/", "--data=folder:…/scans"),
        ("data_root=\\\\server\\John van Doe\\x", "data_root=…/x"),
        (
            "stages.x.data={union: [{name: csv, root: /home/Jane van Doe/a}, covid_ct]}",
            "stages.x.data={union: [{name: csv, root: …/a}, covid_ct]}",
        ),
        ("{root: '/home/Doe, Jane/a', size: 3}", "{root: '…/a', size: 3}"),
        ("stages.lung.epochs=3", "stages.lung.epochs=3"),
        ("experiments/demo.yaml", "experiments/demo.yaml"),
    ],
)
def test_a_value_may_hold_spaces_and_commas(value: str, hidden: str) -> None:
    assert hide_value(value) == hidden
    assert hide_value(hidden) == hide_paths(hidden) == hidden
    text = json.dumps({"overrides": [value]}, indent=2, ensure_ascii=False)
    assert json.loads(hide_paths(text)) == {"overrides": [hidden]}


def test_a_command_can_be_typed_again() -> None:
    words = ["matl", "run", "my demo.yaml", "stages.x.data={union: [a, b]}", "name=it's"]
    assert shlex.split(command_line(words)) == words
    assert hide_paths(command_line(words)) == command_line(words)


def test_a_command_names_no_folder_from_outside() -> None:
    line = command_line(["matl", "evaluate", "../Doe/demo", "--data", "folder:/home/Jane Doe/x y"])
    assert shlex.split(line) == ["matl", "evaluate", "…/demo", "--data", "folder:…/x y"]
    assert hide_paths(line) == line


def test_a_command_that_is_not_utf_8_can_be_written() -> None:
    assert command_line(["matl", "r\udcf6.yaml"]) == "matl 'r?.yaml'"
