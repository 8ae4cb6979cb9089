"""YAML within limits."""

import os
from pathlib import Path

import pytest
import yaml

from matl.config import load_experiment
from matl.config.yaml_text import Scalar, read_yaml
from matl.errors import MatlError

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LAUGHS, "says more than 20,000 values"),
        (CHAIN, "nested more than 32 deep"),
        ("a: " + "[" * 100, "expected|deep|found"),
        ("a: " + "[" * 50 + "]" * 50, "nested more than 32 deep"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "nested more than 32 deep"),
        ("a: &a {b: *a}", "holds itself"),
        ("a: &a [*a]", "holds itself"),
        ("a: " + "9" * 5000, "9{40}… is no whole number"),
    ],
)
def test_what_has_no_end_is_refused(text: str, expected: str) -> None:
    with pytest.raises(yaml.YAMLError, match=expected):
        read_yaml(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: =", "= alone is no text in YAML; write '=', in quotes"),
        ("a: <<", "<< alone is no text in YAML; write '<<', in quotes"),
        ("a: !!binary aGVq", "the tag !!binary is none of an experiment's; leave it out"),
        ("a: !!timestamp 2020-01-01", "the tag !!timestamp is none"),
        ("a: !!set {b, c}", "the tag !!set is none"),
        ("a: !mine b", "the tag !mine is none"),
        ("a: !!bool maybe", "maybe is no truth value; a text is written in quotes"),
        ("a: {<<: 3}", "<< joins mappings alone"),
        ("a: {<<: [3]}", "<< joins mappings alone"),
        ("? [a]\n: b", "a list or mapping is no key"),
        ("a: %", "write a text that begins with it in quotes"),
        ("\ta: 1", "cannot start any token; indent by spaces, not by tabs"),
    ],
)
def test_what_only_yaml_knows_is_refused_in_plain_words(
    tmp_path: Path, text: str, expected: str
) -> None:
    (tmp_path / "one.yaml").write_text(f"name: x\n{text}\n")
    with pytest.raises(MatlError) as error:
        load_experiment(tmp_path / "one.yaml")
    assert "one.yaml: is not valid YAML: " in str(error.value)
    assert expected in str(error.value)
    assert str(error.value).endswith("(line 2)")


def test_dates_signs_in_quotes_and_merged_lists_are_taken() -> None:
    text = "a: 2020-01-01\nb: '='\nc: {<<: [{d: 1}, {e: 2}], d: 3}\n'<<': !!int '3'\n"
    values = {"a": "2020-01-01", "b": "=", "c": {"d": 3, "e": 2}, "<<": 3}
    assert read_yaml(text).value == values


def test_plain_values_keep_their_texts() -> None:
    read = read_yaml("a: &x {b: 012, 'c': 'yes'}\nd: [no, {<<: *x, b: 1}]\n")
    assert read.value == {"a": {"b": 10, "c": "yes"}, "d": [False, {"b": 1, "c": "yes"}]}
    expected = [(("a", "b"), "012", 10), (("d", 0), "no", False), (("d", 1, "b"), "1", 1)]
    assert read.scalars == [Scalar(*one) for one in expected]


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name in ("pipe.yaml", "zero.yaml"):
        with pytest.raises(MatlError, match="is no regular file"):
            load_experiment(tmp_path / name)
    (tmp_path / "a.yaml").symlink_to("b.yaml")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    with pytest.raises(MatlError, match=r"a\.yaml: cannot be read: Too many levels of symbolic"):
        load_experiment(tmp_path / "a.yaml")
    (tmp_path / "long.yaml").write_text("#" * 2_000_000)
    with pytest.raises(MatlError, match="2,000,000 bytes"):
        load_experiment(tmp_path / "long.yaml")
