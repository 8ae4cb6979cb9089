"""What is damaged or has diverged is named in one line, and never used."""

import shutil
from pathlib import Path

import pytest
import timm
import torch
from tiny import Load, run_quietly

from data_modules.config import DataConfig
from data_modules.errors import DataError
from matl.errors import MatlError
from matl.names import BACKBONE, MANIFEST
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store

DIAGNOSIS = "chain=[diagnosis]"


def test_a_diverged_stage_is_not_stored(load_tiny: Load, tmp_path: Path) -> None:
    wild = ["optimizer=sgd", "lr=1e30", "clip=0", "schedule=constant", "warmup=0"]
    experiment = load_tiny(DIAGNOSIS, *(f"stages.diagnosis.{setting}" for setting in wild))
    for _ in range(2):
        with pytest.raises(MatlError, match=r"stages\.diagnosis: training diverged in epoch 1"):
            run_quietly(experiment)
    assert not list(Store(tmp_path / "store"))


def test_a_damaged_checkpoint_is_named(load_tiny: Load, tmp_path: Path) -> None:
    stage = make_plan(load_tiny(DIAGNOSIS)).chain[0]
    folder = Store(tmp_path / "store").workspace(stage.fingerprint)
    (folder / "last.ckpt").write_bytes(b"PK" * 250)
    with pytest.raises(MatlError, match=r"last\.ckpt: the checkpoint is damaged; delete "):
        run_quietly(load_tiny(DIAGNOSIS))


def test_damaged_weights_are_not_passed_on(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny(), through=1)
    store = Store(tmp_path / "store")
    [entry] = store
    file = store.entry(entry) / BACKBONE
    file.write_bytes(file.read_bytes()[:-4000] + bytes(4000))
    with pytest.raises(MatlError, match="is damaged; run matl store remove"):
        run_quietly(load_tiny())
    for damaged in ("{", "[]", '{"stage": "shapes"}'):
        (store.entry(entry) / MANIFEST).write_text(damaged)
        with pytest.raises(MatlError, match=r"is damaged: .*run matl store remove"):
            store.manifest(entry)
    with pytest.raises(MatlError, match="no stage in"):
        store.find("x")
    store.remove(entry)
    assert not list(store)


def test_a_reader_does_not_disturb_a_replacement(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny(DIAGNOSIS))
    store = Store(tmp_path / "store")
    [entry] = store
    replaced = store.root / f"{entry}.replaced"
    store.entry(entry).rename(replaced)
    assert entry in store
    assert list(store) == [entry]
    assert store.find(entry[:6]) == entry
    assert replaced.exists()


@pytest.mark.parametrize(
    ("overrides", "options", "expected"),
    [
        ([DIAGNOSIS], {"through": 1}, "no stage belongs to a part up to 1"),
        (["trainer.devices=3"], {}, "batch_size: 16 cannot be divided over 3 processes"),
    ],
)
def test_what_cannot_run_is_said_before_training(
    load_tiny: Load, overrides: list[str], options: dict[str, int], expected: str
) -> None:
    with pytest.raises(MatlError, match=expected):
        run_quietly(load_tiny(*overrides), **options)


def test_too_few_scans_for_self_supervision_are_refused(load_tiny: Load, tmp_path: Path) -> None:
    samples = make_plan(load_tiny(DIAGNOSIS)).chain[0].samples
    (tmp_path / "few").mkdir()
    for file in samples.files()[:3]:
        shutil.copy(file, tmp_path / "few" / f"{file.parent.name}-{file.name}")
    experiment = load_tiny()
    experiment.stages["lung"].data = DataConfig(name="folder", root=str(tmp_path / "few"))
    with pytest.raises(MatlError, match="3 images; multi_scale needs 4"):
        make_plan(experiment)


def test_weights_of_another_network_are_refused_before_decoding(
    load_tiny: Load, tmp_path: Path
) -> None:
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "other.pth")
    with pytest.raises(MatlError, match="weights do not fit"):
        run_quietly(load_tiny(DIAGNOSIS, f"backbone.weights={tmp_path / 'other.pth'}"))
    assert not [*(tmp_path / "cache").glob("*/meta.json")]
    fitting = timm.create_model("resnet10t").state_dict()
    torch.save(fitting, tmp_path / "own.pth")
    record, _, shown = run_quietly(load_tiny(DIAGNOSIS, f"backbone.weights={tmp_path / 'own.pth'}"))
    assert "from scratch: begins from own.pth, without the stages before it" in record.notes
    assert "normalised by the mean 0.449 and the deviation 0.226" in shown


def test_bad_images_of_a_later_stage_end_the_run_before_the_first_trains(
    load_tiny: Load, tmp_path: Path
) -> None:
    samples = make_plan(load_tiny(DIAGNOSIS)).chain[0].samples
    training = samples.subset(samples.table["split"] == "train")
    (tmp_path / "scans").mkdir()
    for number, file in enumerate(training.files()[:8]):
        shutil.copy(file, tmp_path / "scans" / f"{number}.png")
    (tmp_path / "scans" / "torn.png").write_bytes(b"\x89PNG")
    experiment = load_tiny()
    experiment.stages["lung"].data = DataConfig(name="folder", root=str(tmp_path / "scans"))
    with pytest.raises(DataError, match=r"1 of 9 images cannot be used(.|\n)*torn\.png"):
        run_quietly(experiment)
    assert not list(Store(tmp_path / "store"))
