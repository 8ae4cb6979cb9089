"""A setting is what its field declares, whatever YAML 1.1 would make of it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matl.config import load_experiment, to_yaml
from matl.errors import MatlError

DATA = "stages.diagnosis.data"


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "no", "on", "off", "True", "my #1 data", "/data/Study #3", "1e3", "012", "1_000"),
        *("1:30", "2026-01-01", "~", "null", "[a", "{a: b", "a: b", "*a", "!tag", "%x", ".5"),
    ],
)
def test_an_override_of_a_text_is_the_text(minimal: Path, text: str) -> None:
    experiment = load_experiment(minimal, [f"logger.project={text}"])
    assert experiment.logger.project == text


def test_an_override_may_quote_its_text_and_may_empty_a_field(minimal: Path) -> None:
    def positive(text: str) -> Any:
        return load_experiment(minimal, [f"{DATA}.positive={text}"]).stages["diagnosis"].data

    assert positive("'null'").positive == "null"
    assert positive("null").positive is None
    assert positive("").positive is None
    nested = load_experiment(minimal, [f"{DATA}={{name: phantom_ct, positive: no}}"])
    assert nested.stages["diagnosis"].data.positive == "no"
    with pytest.raises(MatlError, match="data_root: needs a value"):
        load_experiment(minimal, ["data_root="])


def test_an_option_of_a_data_set_that_is_a_text_takes_the_text(
    minimal: Path, tmp_path: Path
) -> None:
    def data(word: str) -> Any:
        return load_experiment(minimal, [word]).stages["diagnosis"].data

    for text in ("1.10", "no", "007"):
        found = data(f"{DATA}={{name: csv, root: a, options: {{source: {text}, table: {text}}}}}")
        assert found.options == {"source": text, "table": text}
    union = data(
        f"{DATA}={{name: null, union: [{{name: csv, root: a, options: {{source: yes}}}}]}}"
    )
    assert union.union[0]["options"] == {"source": "yes"}
    child = tmp_path / "child.yaml"
    options = "{name: csv, root: a, options: {source: 1.10}}"
    child.write_text(f"extends: minimal.yaml\nstages: {{diagnosis: {{data: {options}}}}}\n")
    with pytest.raises(MatlError, match=r"options\.source: 1\.10 is read as the float 1\.1; write"):
        load_experiment(child)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from("yesno01:.e-_#~'\"[]{},&*! \\/ü"), min_size=1, max_size=8))
def test_every_text_of_an_experiment_reads_back(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    from minimal import MINIMAL

    folder = tmp_path_factory.mktemp("experiment")
    (folder / "a.yaml").write_text(MINIMAL)
    experiment = load_experiment(folder / "a.yaml")
    experiment.logger.project = text
    (folder / "b.yaml").write_text(to_yaml(experiment))
    assert load_experiment(folder / "b.yaml") == experiment


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("logger: {project: yes}", "logger.project: yes is read as the bool True; write 'yes'"),
        ("logger: {project: 012}", "logger.project: 012 is read as the int 10; write '012'"),
        ("data_root: 1e3", "data_root: 1e3 is read as the float 1000.0; write '1e3'"),
        ("data_root: ~", "data_root: ~ is read as no value; write '~'"),
        ("stages: {diagnosis: {data: {positive: no}}}", r"data.positive: no is read as the bool"),
        ("stages: {diagnosis: {data: {root: ~}}}", "data.root: ~ is read as no value"),
        ("chain: [off]", "chain.0: off is read as the bool False; write 'off'"),
        ("stages: {on: {task: diagnosis}}", "stages: the key on is read as the bool True"),
        ("seed: 012", "seed: 012 is read as 10; write 12 or 10"),
        ("stages: {diagnosis: {size: 064}}", "size: 064 is read as 52; write 64 or 52"),
        ("seed: 1:30", "seed: 1:30 is read as 90; write 90, or '1:30' in quotes"),
    ],
)
def test_what_yaml_reads_otherwise_is_refused_in_a_file(
    minimal: Path, tmp_path: Path, line: str, expected: str
) -> None:
    child = tmp_path / "child.yaml"
    child.write_text(f"extends: minimal.yaml\n{line}\n")
    with pytest.raises(MatlError, match=expected) as error:
        load_experiment(child)
    assert str(error.value).startswith(str(child))


@pytest.mark.parametrize(
    "text", ["${oc.env:WANDB_API_KEY}", "x-${oc.env:HOME}", "${oc.decode:1}", "${${name}:HOME}"]
)
def test_only_other_settings_can_be_referred_to(minimal: Path, tmp_path: Path, text: str) -> None:
    expected = "the values of an experiment stand in it, not in the environment"
    for key in ("logger.project", "seed"):
        with pytest.raises(MatlError, match=expected):
            load_experiment(minimal, [f"{key}={text}"])
    child = tmp_path / "child.yaml"
    child.write_text(f"extends: minimal.yaml\nlogger: {{project: '{text}'}}\n")
    with pytest.raises(MatlError, match=expected):
        load_experiment(child)


def test_the_options_of_another_data_set_can_be_dropped(minimal: Path) -> None:
    other = f"{DATA}={{name: folder, root: scans}}"
    optioned = f"{DATA}.options={{patients: 4}}"
    with pytest.raises(MatlError, match=r"data.options=null drops those of another data set"):
        load_experiment(minimal, [optioned, other])
    experiment = load_experiment(minimal, [optioned, f"{DATA}.options=null", other])
    assert experiment.stages["diagnosis"].data.options == {}


def test_a_number_too_large_to_count_with_is_refused(minimal: Path) -> None:
    with pytest.raises(MatlError, match="accumulate: 1000000000000000000000000000000 is not poss"):
        load_experiment(minimal, [f"stages.diagnosis.accumulate={10**30}"])
    with pytest.raises(MatlError, match="seed: is not possible; it must be at most"):
        load_experiment(minimal, [f"seed=0x{'9' * 5000}"])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("stages=[a]", "stages: must be a mapping of keys to values"),
        ("stages.diagnosis=[a]", "stages.diagnosis: must be a mapping"),
        ("chain=diagnosis", "chain: must be a list, as in"),
        ("seed={a: 1}", "seed: must be one value, not a dict"),
        (f"{DATA}.union={{a: 1}}", "data.union: must be a list"),
    ],
)
def test_a_list_for_a_mapping_is_named(minimal: Path, word: str, expected: str) -> None:
    with pytest.raises(MatlError, match=expected):
        load_experiment(minimal, [word])
