"""The cells of an ablation are planned alike, or refused before anything is trained."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPOSITORY
from PIL import Image
from shown import words
from tiny import console_of
from tiny_ablation import ABLATION, folded, small

from matl.ablation.cell_settings import _target_stages
from matl.ablation.cells import cells_of, plan_cells
from matl.ablation.gather import match_warnings
from matl.ablation.load import load_ablation
from matl.ablation.show import dry_run_table, show_dry_run
from matl.ablation.train import distinct_stages
from matl.config import load_experiment
from matl.errors import MatlError
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.store import Store

SHIPPED = sorted((REPOSITORY / "experiments" / "ablations").glob("*.yaml"))


def test_a_kfold_tests_every_patient_once_and_splits_the_stages_before_alike(
    ablation_file: Path, tmp_path: Path
) -> None:
    ablation = load_ablation(folded(ablation_file))
    plans = plan_cells(ablation, cells_of(ablation), [])
    assert len(plans) == 2 * 3 * 4
    tested: dict[tuple[int, int], set[str]] = {}
    for cell, plan in plans.items():
        own = patients(plan.chain[-1], "test")
        assert tested.setdefault((cell.repeat, cell.fold), own) == own, "folds differ between arms"
        for stage in plan.chain:
            assert own.isdisjoint(patients(stage, "train"))
    assert tested[0, 0].isdisjoint(tested[0, 1])
    assert tested[0, 0] | tested[0, 1] == tested[1, 0] | tested[1, 1]
    assert tested[0, 0] != tested[1, 0]


def patients(stage: PlannedStage, split: str) -> set[str]:
    table = stage.samples.table
    return set(table["patient"][table["split"] == split])


def test_a_diagnosis_of_a_union_is_split_too(ablation_file: Path) -> None:
    file = folded(ablation_file)
    tiny = (file.parent / "tiny.yaml").read_text()
    union = "data: {union: [{name: phantom_ct, options: {patients: 8, slices: 2, size: 64}}]}"
    name = "data: {name: phantom_ct, options: {patients: 8, slices: 2, size: 64}}"
    (file.parent / "tiny.yaml").write_text(tiny.replace(name, union))
    ablation = load_ablation(file)
    plans = plan_cells(ablation, cells_of(ablation), [])
    assert len({plan.chain[-1].fingerprint for plan in plans.values()}) == len(plans)


@pytest.mark.parametrize(
    "word",
    [
        "[seed]=5",
        "stages.diagnosis.data={label_fraction: 0.5}",
        "stages.diagnosis={data: {label_fraction: 0.5}}",
        "stages[diagnosis][data].fold=1",
        "stages={diagnosis: {data: {split: kfold}}}",
    ],
)
def test_what_the_cells_set_is_refused_in_every_spelling(ablation_file: Path, word: str) -> None:
    ablation = load_ablation(ablation_file)
    with pytest.raises(MatlError, match="is set by the ablation's cells") as error:
        plan_cells(ablation, cells_of(ablation), [word])
    assert str(error.value).startswith(word)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("label_fraction: 0.5", "label_fraction: is 0.5, but the ablation's cells say 1.0"),
        ("split: kfold", "data.split: is kfold, but the ablation's cells say official"),
    ],
)
def test_an_experiment_that_is_not_what_its_cells_say_is_refused(
    ablation_file: Path, setting: str, expected: str
) -> None:
    file = ablation_file.parent / "tiny.yaml"
    file.rename(file.with_name("base.yaml"))
    file.write_text(f"extends: base.yaml\nstages: {{diagnosis: {{data: {{{setting}}}}}}}\n")
    ablation = load_ablation(ablation_file)
    with pytest.raises(MatlError, match=expected):
        plan_cells(ablation, cells_of(ablation), [])


def test_stages_of_one_folder_are_split_alike_however_it_is_written(ablation_file: Path) -> None:
    experiment = load_experiment(ablation_file.parent / "tiny.yaml")
    root = Path(experiment.data_root)
    experiment.stages["diagnosis"].data.root = str(root / "phantom_ct")
    assert _target_stages(experiment) == ["lung", "diagnosis"]
    experiment.stages["diagnosis"].data.root = f"{root}/../{root.name}/phantom_ct/"
    assert _target_stages(experiment) == ["lung", "diagnosis"]


def test_an_override_of_the_seed_is_refused(ablation_file: Path) -> None:
    ablation = load_ablation(ablation_file)
    with pytest.raises(MatlError, match="seed=5: is set by the ablation's cells"):
        plan_cells(ablation, cells_of(ablation), ["seed=5"])


def test_cells_are_no_ensembles_whatever_the_experiment_says(ablation_file: Path) -> None:
    file = ablation_file.parent / "tiny.yaml"
    file.write_text(f"{file.read_text()}ensemble: 3\n")
    ablation = load_ablation(ablation_file)
    plans = plan_cells(ablation, cells_of(ablation), [])
    assert {len(plan.members) for plan in plans.values()} == {1}
    with pytest.raises(MatlError, match="ensemble: is 2, but the ablation's cells say 1"):
        plan_cells(ablation, cells_of(ablation), ["ensemble=2"])


def test_a_metric_without_a_meaning_is_refused_before_training(ablation_file: Path) -> None:
    """A test split of one class ended in a traceback once all of it was trained."""
    for number in range(12):
        part = ("train", "val", "test")[number % 3]
        label = "other" if part == "test" else ("covid", "other")[number % 2]
        image = ablation_file.parent / "scans" / part / label / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 32), 9 * number).save(image)
    scans = f"{{name: folder, root: {ablation_file.parent / 'scans'}, positive: covid}}"
    tiny = ablation_file.parent / "tiny.yaml"
    tiny.write_text(re.sub(r"{name: phantom_ct.*}", scans, tiny.read_text()))
    ablation = load_ablation(ablation_file)
    expected = "split official, .*: no test image is of the class covid"
    with pytest.raises(MatlError, match=expected):
        plan_cells(ablation, cells_of(ablation), [])
    counted = replace(ablation, analysis=replace(ablation.analysis, metric="accuracy"))
    assert plan_cells(counted, cells_of(counted), [])


@pytest.mark.parametrize("own", ["options.seed=${seed}", "name=phantom_null"])
def test_diagnoses_of_other_images_or_labels_are_not_compared(
    ablation_file: Path, own: str
) -> None:
    """They were compared as if the second ones had the first ones' labels and patients."""
    ablation = load_ablation(ablation_file)
    ablation = replace(ablation, seeds=[0, 1])
    ablation.arms["convolution"].append(f"stages.diagnosis.data.{own}")
    with pytest.raises(MatlError, match="compares diagnoses of the same images"):
        plan_cells(ablation, cells_of(ablation), [])


@pytest.mark.parametrize("key", ["operator=none", "operator=attention"])
def test_an_override_that_makes_arms_alike_is_refused(ablation_file: Path, key: str) -> None:
    ablation = load_ablation(ablation_file)
    with pytest.raises(MatlError, match="the arms attention and convolution would train the same"):
        plan_cells(ablation, cells_of(ablation), [f"backbone.{key}"])


def test_arms_that_do_not_match_are_told_before_and_after(
    ablation_file: Path, tmp_path: Path
) -> None:
    """Attention at stride 2 costs more than its control."""
    ablation_file.write_text(small(ablation_file.read_text()))
    ablation = load_ablation(ablation_file)
    far = ["backbone.at_strides=[2]", "stages.shapes.size=64", "stages.diagnosis.size=64"]
    plans = plan_cells(ablation, cells_of(ablation), far)
    console, shown = console_of()
    show_dry_run(ablation, far, console)
    assert "arms' FLOPs differ by more than 2%" in words(shown.getvalue())
    assert match_warnings(plans)[0].startswith("WARNING: at 64 x 64 the arms' FLOPs differ")


def test_fewer_labels_are_trained_for_as_many_steps(ablation_file: Path) -> None:
    ablation_file.write_text(small(ABLATION) + "\nfractions: [0.4, 1.0]\n")
    ablation = load_ablation(ablation_file)
    more = ["stages.diagnosis.batch_size=3", "stages.diagnosis.epochs=7"]
    plans = plan_cells(ablation, cells_of(ablation), more)
    assert len(plans) == 2 * 2 * 2
    diagnoses = {cell.fraction: plan.chain[-1] for cell, plan in plans.items()}
    patients, steps, epochs = {}, {}, {}
    for fraction, diagnosis in diagnoses.items():
        table = diagnosis.samples.table[diagnosis.samples.table["split"] == "train"]
        patients[fraction] = table["patient"].nunique()
        epochs[fraction] = diagnosis.config.epochs
        steps[fraction] = max(len(table) // 3, 1)
    assert patients[0.4] == pytest.approx(0.4 * patients[1.0], abs=1)
    assert epochs[1.0] == 7
    late = steps[0.4] * epochs[0.4] - 7 * steps[1.0]
    assert abs(late) <= steps[0.4] / 2
    assert len(distinct_stages(plans)) == 2 * (1 + 2 * 2)


def test_a_dry_run_tells_what_sharing_saves(ablation_file: Path, tmp_path: Path) -> None:
    ablation = load_ablation(ablation_file)
    plans = plan_cells(ablation, cells_of(ablation), [])
    table = dry_run_table(plans, Store(tmp_path / "store"))
    assert (
        "12 cells of 20 stages; 16 distinct ones are trained, so sharing saves 4" in table.caption
    )
    assert "unknown time" in table.caption


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seeds: [0, 1]", "seeds: [0, 0]", "seeds: .* names a seed twice"),
        ("seeds: [0, 1]", "seeds: []", "seeds: is empty"),
        ("seeds: [0, 1]", "seeds: [0]\nfractions: [0]", "fractions: .* shares above 0"),
        ("arms:", "armz:", "armz: is no key here; did you mean 'arms'"),
        ("regime: shapes", "regime: shape", "analysis.regime: there is no 'shape'; did you mean"),
        ("[attention, convolution], regime", "[plain, plain], regime", "one arm, or two different"),
        ("[attention, convolution], regime", "[[1], convolution], regime", "comparison.0: must be"),
        ("seeds: [0, 1]", "seeds: [[0], 1]", "seeds.0: must be one value, not a list"),
        ("seeds: [0, 1]", "seeds: [0]\nfractions: [[1]]", "fractions.0: must be one value"),
        ("arms:", "overrides: [[a]]\narms:", "overrides.0: must be one value, not a list"),
        ("[stages.diagnosis.freeze=all]", "[[null]]", "regimes.probe.overrides.0: must be one"),
        ("[stages.diagnosis.freeze=all]", "[{a: 1}]", "probe.overrides.0: must be one value"),
        ("seeds: [0, 1]", "seeds: [0]\nfractions: [0.5]", "fractions: needs 1.0"),
        ("seeds: [0, 1]", "seeds: [0]\nfractions: [1.0, 1.0]", "names a share twice"),
        ("margin: 0.05", "margin: .nan", "analysis.margin: nan must be 0 or more"),
        ("margin: 0.05", "margin: -0.1", "analysis.margin: -0.1 must be 0 or more"),
        ("shapes: [shapes, diagnosis]", "shapes: [[shapes], diagnosis]", "shapes.chain: must list"),
        ("shapes: [shapes, diagnosis]", "shapes: [diagnosis]", "regimes scratch and shapes would"),
        ("freeze=all]}", "freeze=all], against: [shape]}", "there is no 'shape'; did you mean"),
        ("freeze=all]}", "freeze=all], against: [scratch]}", "scratch is always compared with"),
        ("official: {}", "[official]", "ablation.yaml: splits: must map names"),
        ("margin: 0.05", "metric: aurok", "analysis.metric: there is no 'aurok'; did you mean"),
        ("margin: 0.05", "metric: brier", "analysis.metric: less of 'brier' is better"),
        ("official: {}", "official: {folds: 1}", "splits.official: needs no folds, or 2"),
        ("official: {}", "official: {fold: 5}", "splits.official.fold: is no key here"),
        ("shapes: [shapes, diagnosis]", "shapes: [shapes]", "must end in the same diagnosis"),
        ("shapes: [shapes, diagnosis]", "scratch: [diagnosis]", "is always there"),
        ("[backbone.operator=attention]", "backbone.operator=attention", "list of overrides"),
        ("[backbone.operator=attention]", "[seed=3]", "seed=3: is set by the ablation's cells"),
        ("official: {}", "official: {repeats: 2}", "repeats the official split"),
        ("experiment: tiny.yaml", "experiment: nowhere.yaml", "nowhere.yaml: no such file"),
        ("backbone.operator=attention", "backbone.operater=attention", "did you mean 'operator'"),
    ],
)
def test_a_mistake_is_one_line(ablation_file: Path, old: str, new: str, expected: str) -> None:
    ablation_file.write_text(ABLATION.replace(old, new))
    with pytest.raises(MatlError, match=expected) as error:
        dry_run(ablation_file)
    assert "\n" not in str(error.value)


def dry_run(file: Path) -> None:
    ablation = load_ablation(file)
    plan_cells(ablation, cells_of(ablation), [])


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_ablations_are_valid(file: Path) -> None:
    ablation = load_ablation(file)
    assert next(iter(ablation.regimes)) == "scratch"
    assert len(cells_of(ablation)) >= 18
