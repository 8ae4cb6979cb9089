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
        ("a: " + "9" * 5000, "integer string conversion|too large|digits"),
    ],
)
def test_what_has_no_end_is_refused(text: str, expected: str) -> None:
    with pytest.raises(yaml.YAMLError, match=expected):
        read_yaml(text)


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
