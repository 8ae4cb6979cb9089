"""One command compares arms, regimes, seeds and folds, and resumes where it was interrupted."""

import re
from dataclasses import astuple, replace
from pathlib import Path

import pandas as pd
import pytest
from shown import words
from sklearn.metrics import roc_auc_score
from tiny import console_of
from tiny_ablation import ABLATION, folded, small

from matl.ablation.ablation_files import read_ablation
from matl.ablation.aligned_scores import read_cells
from matl.ablation.cells import cells_of, plan_cells
from matl.ablation.load import load_ablation
from matl.ablation.results import compare
from matl.ablation.run import run_ablation
from matl.ablation.schema import Ablation
from matl.ablation.show import dry_run_table, show_ablation, verdict_sentence
from matl.ablation.train import GONE, Processes, Progress, at_once, distinct_stages
from matl.errors import MatlError
from matl.names import MANIFEST, SCORES
from matl.orchestrator.store import Store
from matl.report.table import Table

BEFORE = r"shapes \([0-9a-f]{8}\) before it failed"


def test_distinct_stages_are_trained_once(ablation_file: Path, tmp_path: Path) -> None:
    ablation = load_ablation(ablation_file)
    cells = cells_of(ablation)
    assert len(cells) == 2 * 3 * 2
    plans = plan_cells(ablation, cells, [])
    assert len(distinct_stages(plans)) == 2 * 2 * 4
    console, shown = console_of()
    folder, failures = run_ablation(ablation, [], console)
    assert failures == {}
    assert len(list(Store(tmp_path / "store"))) == 16
    lines = words(shown.getvalue())
    assert len(re.findall(r"\d+ of 16: (shapes|diagnosis), arm \w+, .*?: finished in", lines)) == 16
    assert "16 of 16: " in lines
    assert "epoch" not in lines
    printed = [log.read_text() for log in (folder / "logs").glob("*.txt")]
    assert sum(text.count(": epoch 1 of ") for text in printed) == len(printed) == 16
    table = pd.read_csv(folder / "cells.csv")
    assert set(table["state"]) == {"finished"}
    for row in table.itertuples():
        scores = pd.read_csv(Store(tmp_path / "store").entry(row.fingerprint) / SCORES)
        own = scores[scores["split"] == "test"]
        assert row.auroc == pytest.approx(roc_auc_score(own["label"], own["score"]))
    again, shown = console_of()
    run_ablation(ablation, [], again)
    assert shown.getvalue() == "16 distinct stages, 16 of them in the store\n"
    check_summary(folder)
    check_shown(folder)
    check_promises(folder)
    store = Store(tmp_path / "store")
    assert dry_run_table(plans, store).caption.endswith("Time left: nothing")
    longer = plan_cells(ablation, cells, ["stages.diagnosis.epochs=5000"])
    one, two = (seconds_left(dry_run_table(longer, store, jobs)) for jobs in (1, 2))
    assert one == pytest.approx(2 * two, rel=0.1)
    check_order(ablation, store)
    check_other_metric(ablation_file, pd.read_csv(folder / "cells.csv"), store)


def seconds_left(table: Table) -> float:
    return pd.Timedelta(table.caption.split("Time left: about ")[1]).total_seconds()


def check_order(ablation: Ablation, store: Store) -> None:
    """The order in which a file lists seeds, arms and regimes changes no result."""
    turned = replace(
        ablation,
        seeds=ablation.seeds[::-1],
        arms=dict(reversed(ablation.arms.items())),
        regimes=dict(reversed(ablation.regimes.items())),
    )
    found = []
    for one in (ablation, turned):
        plans = plan_cells(one, cells_of(one), [])
        assert all(key in store for key in distinct_stages(plans))
        compared = compare(one, read_cells(plans, store)[0])
        found.append({(row.what, row.place): row.plain for row in compared})
    assert found[0].keys() == found[1].keys()
    for where, one in found[0].items():
        assert astuple(found[1][where]) == pytest.approx(astuple(one))


def check_other_metric(file: Path, cells: pd.DataFrame, store: Store) -> None:
    """What is compared is what the analysis names, from the scores of the same stages."""
    file.write_text(file.read_text().replace("official, margin", "official, metric: f1, margin"))
    ablation = load_ablation(file)
    scores, _, _ = read_cells(plan_cells(ablation, cells_of(ablation), []), store)
    found = compare(ablation, scores)
    reached = cells.groupby(["arm", "regime"])["f1"].mean()
    gains = [reached[arm, "shapes"] - reached[arm, "scratch"] for arm in ablation.arms]
    [primary] = [one for one in found if one.primary]
    assert primary.plain.value == pytest.approx(gains[0] - gains[1])


def check_summary(folder: Path) -> None:
    summary = (folder / "summary.md").read_text()
    rows = [
        line
        for line in summary.splitlines()
        if re.search(r" from scratch .* (primary|exploratory) \|$", line)
    ]
    assert len(rows) == 2 * (2 + 1)
    primary = [row for row in rows if row.endswith("primary |")]
    assert len(primary) == 1
    assert primary[0].startswith("| attention − convolution | shapes | from scratch | official |")
    verdict = (
        r"minus from scratch, official: \*\*(holds|does not hold|undecided)\*\* against a margin"
    )
    assert re.search(verdict, summary)
    assert "against a margin of 0.05" in summary
    aurocs = pd.read_csv(folder / "cells.csv").groupby(["arm", "regime"])["auroc"].mean()
    gain = aurocs["attention", "shapes"] - aurocs["attention", "scratch"]
    assert f"| attention | shapes | from scratch | official | 100% | {gain:+.3f} [" in summary
    assert re.search(r"\| official \| the data set's own split \| \d+ \| \d+ \|", summary)
    assert "95 % interval over seeds and patients" in summary


def check_promises(folder: Path) -> None:
    """Each arm and regime has what its diagnoses began from promised, on the page too."""
    record = read_ablation(folder)
    assert len(record.promises) == 2 * 3
    assert {one.cells for one in record.promises} == {2}
    by_regime = {(one.arm, one.regime): one.scores for one in record.promises}
    for arm in record.arms:
        assert by_regime[arm, "probe"] == by_regime[arm, "shapes"], "they begin from one stage"
        assert by_regime[arm, "scratch"] != by_regime[arm, "shapes"]
    assert "Promised and gained" in (folder / "report.html").read_text()


def check_shown(folder: Path) -> None:
    """Tables and no Markdown, then the verdict, where it all is, and what to type next."""
    console, shown = console_of()
    show_ablation(folder, Path("my ablation.yaml"), console)
    text, lines = shown.getvalue(), [line.rstrip() for line in shown.getvalue().splitlines()]
    assert not re.search(r"^#|\|.*\||\*\*", text, re.M)
    for title in ("What is tested", "What each arm reaches", "Comparisons"):
        assert title in lines
    assert verdict_sentence(read_ablation(folder)) in words(text)
    assert f"Report: {folder / 'report.html'}" in lines
    assert f"  matl report {folder}" in lines
    assert "  matl ablate 'my ablation.yaml' --dry-run" in lines


@pytest.mark.slow
def test_a_kfold_is_compared_over_its_folds(ablation_file: Path) -> None:
    ablation = load_ablation(folded(ablation_file))
    folder, failures = run_ablation(ablation, [], console_of()[0])
    assert failures == {}
    assert (
        "| attention − convolution | shapes | from scratch | folds"
        in (folder / "summary.md").read_text()
    )
    assert "Split folds" in (folder / "report.html").read_text()
    costs = read_ablation(folder).methods
    assert {(one.arm, one.stage, one.method, one.trained, one.teacher) for one in costs} == {
        (arm, "lung", "multi_scale", 1, 1) for arm in ablation.arms
    }
    assert {one.finished for one in costs} == {4}
    assert min(one.images_a_second for one in costs) > 0
    assert "Cost of self-supervision" in (folder / "summary.md").read_text()


def test_a_failed_stage_is_reported_and_the_others_go_on(
    ablation_file: Path, tmp_path: Path
) -> None:
    wild = "backbone.operator=convolution, stages.shapes.lr=1e30, stages.shapes.clip=0"
    wild += ", stages.shapes.optimizer=sgd, stages.shapes.schedule=constant, stages.shapes.warmup=0"
    text = small(ABLATION).replace("backbone.operator=convolution", wild)
    ablation_file.write_text(text)
    console, shown = console_of()
    folder, failures = run_ablation(load_ablation(ablation_file), [], console)
    assert len(failures) == 2
    failed = r"\d of 6: shapes, arm convolution, regime shapes, seed 0: failed: "
    assert re.search(failed, words(shown.getvalue()))
    states = pd.read_csv(folder / "cells.csv").set_index(["arm", "regime"])["state"]
    assert states["attention", "shapes"] == states["convolution", "scratch"] == "finished"
    assert re.fullmatch(f"failed: {BEFORE}", states["convolution", "shapes"])
    assert "| attention | shapes | from scratch |" in (folder / "summary.md").read_text()


def test_a_damaged_stage_is_told_and_the_others_count(ablation_file: Path, tmp_path: Path) -> None:
    ablation_file.write_text(small(ABLATION))
    ablation = load_ablation(ablation_file)
    folder, _ = run_ablation(ablation, [], console_of()[0])
    cells = pd.read_csv(folder / "cells.csv")
    store = Store(tmp_path / "store")
    (store.entry(cells["fingerprint"][0]) / SCORES).write_text("image,score\n")
    other = store.root / ("0" * 16)
    other.mkdir()
    (other / MANIFEST).write_text("{}")
    plans = plan_cells(ablation, cells_of(ablation), ["stages.diagnosis.epochs=50"])
    assert "Time left: about" in dry_run_table(plans, store).caption
    run_ablation(ablation, [], console_of()[0])
    states = pd.read_csv(folder / "cells.csv")["state"]
    assert states[0].startswith("damaged: ")
    assert set(states[1:]) == {"finished"}
    assert "1 damaged" in (folder / "report.html").read_text()


def test_a_stage_whose_beginning_is_gone_fails_with_a_line(
    ablation_file: Path, tmp_path: Path
) -> None:
    """As where someone removes it from the store while others are trained side by side."""
    ablation = load_ablation(ablation_file)
    work = distinct_stages(plan_cells(ablation, cells_of(ablation), []))
    store = Store(tmp_path / "store")
    parents = frozenset(key for key, one in work.items() if one.stage.name == "shapes")
    scratch = frozenset(key for key, one in work.items() if one.stage.parent is None)
    progress = Progress(reused=parents | scratch)
    told = list(at_once(work, store, progress, Processes(1, store, tmp_path / "logs")))
    assert set(told) == work.keys() - progress.reused == progress.failures.keys()
    assert set(progress.failures.values()) == {GONE}


def test_a_failure_in_brackets_is_shown(ablation_file: Path, tmp_path: Path) -> None:
    """Its text is no markup, which would end the whole ablation or hide the text."""
    ablation_file.write_text(small(ABLATION))
    (tmp_path / "store").mkdir()
    ablation = load_ablation(ablation_file)
    console, shown = console_of()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matl.ablation.train.ensure_stage", fail_in_brackets)
        _, failures = run_ablation(ablation, [], console)
    assert "could not read [/data/a.png]" in shown.getvalue()
    assert len([one for one in failures.values() if re.fullmatch(BEFORE, one)]) == 2


def fail_in_brackets(*_: object) -> None:
    raise MatlError("could not read [/data/a.png]")


@pytest.mark.slow
def test_stages_side_by_side_end_with_the_same_weights(ablation_file: Path, tmp_path: Path) -> None:
    ablation_file.write_text(small(ABLATION))
    ablation = load_ablation(ablation_file)
    alone, _ = run_ablation(ablation, [f"store={tmp_path / 'alone'}"], console_of()[0])
    first = (alone / "cells.csv").read_text()
    together, failures = run_ablation(ablation, [], console_of()[0], jobs=2)
    assert failures == {}
    assert (together / "cells.csv").read_text() == first
    assert len(list((together / "logs").glob("*.txt"))) == 6


@pytest.mark.slow
def test_jobs_of_a_cluster_end_with_the_same_weights(ablation_file: Path, tmp_path: Path) -> None:
    """On submitit's own local executor; a failed job takes only those after it along."""
    ablation_file.write_text(small(ABLATION))
    alone, _ = run_ablation(
        load_ablation(ablation_file), [f"store={tmp_path / 'alone'}"], console_of()[0]
    )
    first = (alone / "cells.csv").read_text()
    console, shown = console_of()
    ablation = load_ablation(ablation_file)
    together, failures = run_ablation(ablation, [], console, executor="local")
    assert failures == {}
    assert (together / "cells.csv").read_text() == first
    assert len(re.findall(r"\d of 6: .*?: finished in ", words(shown.getvalue()))) == 6


def test_a_wrong_setting_of_a_cluster_is_one_line(ablation_file: Path) -> None:
    ablation_file.write_text(ABLATION + "\ncluster: {slurm_partitoin: gpu}\n")
    with pytest.raises(MatlError, match=r"--executor local: .*slurm_partitoin") as error:
        run_ablation(load_ablation(ablation_file), [], console_of()[0], executor="local")
    assert "\n" not in str(error.value)


def test_more_threads_than_cores_are_refused(ablation_file: Path) -> None:
    with pytest.raises(MatlError, match=r"--jobs 9999: at 1 threads each .*; use --jobs \d"):
        run_ablation(load_ablation(ablation_file), [], console_of()[0], jobs=9999)


def test_a_change_after_the_beginning_is_told(ablation_file: Path) -> None:
    short = small(ABLATION)
    ablation_file.write_text(short)
    folder, _ = run_ablation(load_ablation(ablation_file), [], console_of()[0])
    fixed = "fixed in analysis.json with none of its 4 cells"
    assert fixed in (folder / "summary.md").read_text()
    ablation_file.write_text(ABLATION.replace("[0, 1]", "[0]"))
    run_ablation(load_ablation(ablation_file), [], console_of()[0])
    more = (folder / "summary.md").read_text()
    assert fixed in more
    assert more.count("| primary |") == 1
    assert "| attention | probe | from scratch |" in more
    ablation_file.write_text(short.replace("margin: 0.05", "margin: 0.0"))
    run_ablation(load_ablation(ablation_file), [], console_of()[0])
    changed = (folder / "summary.md").read_text()
    assert "CHANGED after it began" in changed
    assert "| primary |" not in changed
    assert read_ablation(folder).verdict is None
    assert "was changed after it began" in verdict_sentence(read_ablation(folder))
    (folder / "analysis.json").write_text("[1]")
    with pytest.raises(MatlError, match=r"analysis\.json: is damaged or gone"):
        run_ablation(load_ablation(ablation_file), [], console_of()[0])
