"""Every form of an export scores as the model does, and says so on its card."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import matl
from matl.backbones.card import read_card
from matl.errors import MatlError
from matl.export import parity
from matl.export.write import export_model
from matl.names import BACKBONE, MODEL_CARD_VALUES
from matl.orchestrator.finished_run import stage_folder
from matl.trained import TrainedModel


def drawn_scan(file: Path, own: tuple[int, int] = (90, 70)) -> tuple[Path, torch.Tensor]:
    """A file, and its pixels as an export takes them."""
    pixels = np.random.default_rng(0).integers(0, 256, own, dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file, torch.from_numpy(pixels)[None, None].float()


def scored(model: TrainedModel, file: Path) -> float:
    return float(model.scores(model.read([file])))


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_a_folder_is_what_load_model_reads(run_of, entry_of, operator: str, tmp_path) -> None:
    scan, _ = drawn_scan(tmp_path / "scan.png")
    model = matl.load_model(run_of(operator))
    for source in (run_of(operator), entry_of(operator)):
        folder, card = export_model(source, "folder", tmp_path / source.name)
        assert scored(matl.load_model(folder), scan) == scored(model, scan)
        assert card.parity.logits <= parity.LOGITS
        assert bool(card.metrics) == (source == run_of(operator))


@pytest.mark.slow
@pytest.mark.parametrize("operator", ["attention", "convolution", "none"])
def test_onnx_is_run_by_onnxruntime(run_of, operator: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    scan, pixels = drawn_scan(tmp_path / "scan.png")
    folder, _ = export_model(run_of(operator), "onnx", tmp_path / "onnx")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    logits, probabilities = session.run(None, {"images": pixels.repeat(3, 1, 1, 1).numpy()})
    wanted = scored(matl.load_model(run_of(operator)), scan)
    np.testing.assert_allclose(probabilities, [wanted] * 3, atol=parity.PROBABILITIES)
    if operator == "attention":  # it is scored in one view
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), probabilities, atol=1e-6)


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_torch_needs_torch_alone(run_of, operator: str, tmp_path: Path) -> None:
    scan, pixels = drawn_scan(tmp_path / "scan.png")
    folder, _ = export_model(run_of(operator), "torch", tmp_path / "torch")
    _, probabilities = torch.export.load(folder / "model.pt2").module()(pixels)
    wanted = scored(matl.load_model(run_of(operator)), scan)
    assert float(probabilities.detach()) == pytest.approx(wanted, abs=parity.PROBABILITIES)


@pytest.mark.slow
def test_a_bundle_is_run_by_monai(run_of, tmp_path: Path) -> None:
    import monai.bundle

    folder, _ = export_model(run_of("attention"), "bundle", tmp_path / "bundle")
    model, scans = matl.load_model(run_of("attention")), tmp_path / "scans"
    scans.mkdir()
    files = [drawn_scan(scans / f"{own[0]}.png", own)[0] for own in ((40, 90), (100, 33))]
    (scans / "notes.txt").write_text("no image")
    monai.bundle.run(
        config_file=str(folder / "configs" / "inference.json"),
        meta_file=str(folder / "configs" / "metadata.json"),
        bundle_root=str(folder),
        image_folder=str(scans),
        output_file=str(tmp_path / "probabilities.json"),
    )
    found = json.loads((tmp_path / "probabilities.json").read_text())
    expected = {file.name: scored(model, file) for file in files}
    assert {one["image"]: one["probabilities"] for one in found} == pytest.approx(
        expected, abs=parity.PROBABILITIES
    )


def test_timm_opens_a_hub_folder(run_of, tmp_path: Path) -> None:
    import timm

    folder, _ = export_model(run_of("none"), "hub-folder", tmp_path / "hub")
    model = matl.load_model(run_of("none"))
    opened = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    images = torch.rand(3, 1, 32, 32)
    mean, std = (opened.pretrained_cfg[name][0] for name in ("mean", "std"))
    with torch.no_grad():
        logits = opened((images - mean) / std)
        torch.testing.assert_close(logits.squeeze(1), model.stage(images), atol=1e-5, rtol=0)
    assert opened.pretrained_cfg["label_names"] == [model.positive]
    card = read_card(folder / "model.safetensors")
    assert card is not None
    assert card == read_card(stage_folder(run_of("none")) / BACKBONE)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        assert file.metadata()["format"] == "pt", "other libraries ask for it"
    assert (folder / "README.md").read_text().startswith("---\nlibrary_name: timm\n")


def test_operators_are_no_part_of_timms_network(run_of, tmp_path: Path) -> None:
    with pytest.raises(MatlError, match=r"has no operators.*16, which would be lost; add --own"):
        export_model(run_of("attention"), "hub-folder", tmp_path / "hub")
    assert not list(tmp_path.iterdir())
    folder, _ = export_model(run_of("attention"), "hub-folder", tmp_path / "hub", own_form=True)
    scan, _ = drawn_scan(tmp_path / "scan.png")
    both = matl.load_model(folder), matl.load_model(run_of("attention"))
    assert scored(both[0], scan) == scored(both[1], scan)


def test_an_export_that_scores_otherwise_is_refused(run_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(parity, "LOGITS", -1.0)
    with pytest.raises(MatlError, match=r"^--to folder: refused, for it does not score as matl"):
        export_model(run_of("convolution"), "folder", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_one_line(run_of, entry_of, tmp_path: Path) -> None:
    run = run_of("attention")
    source = next(one for one in entry_of("attention").parent.iterdir() if _is_source(one))
    for arguments, message in (
        ((run, "tensorflow", tmp_path / "out"), "the forms are folder, onnx"),
        ((run, "folder", tmp_path), "is there; name a new folder"),
        ((run, "folder", tmp_path / "out", True), "--own-form: is for --to hub-folder"),
        ((tmp_path, "folder", tmp_path / "out"), "holds no finished stage"),
        ((source, "folder", tmp_path / "out"), "is no diagnosis"),
    ):
        with pytest.raises(MatlError, match=message):
            export_model(*arguments)
    assert not list(tmp_path.iterdir())


def _is_source(folder: Path) -> bool:
    file = folder / "manifest.json"
    return file.is_file() and json.loads(file.read_text())["task"] == "source"


def test_the_card_says_what_the_run_knows(run_of, tmp_path: Path) -> None:
    run = run_of("attention")
    folder, card = export_model(run, "folder", tmp_path / "out")
    metrics = json.loads((run / "metrics.json").read_text())["metrics"]
    wanted = next(
        one
        for one in metrics
        if (one["model"], one["split"], one["metric"]) == ("chain", "test", "auroc")
    )
    shown = json.loads((folder / MODEL_CARD_VALUES).read_text())
    auroc = shown["metrics"][0]["metrics"]["auroc"]
    assert auroc == {name: wanted[name] for name in ("value", "low", "high")}
    assert [stage["stage"] for stage in shown["chain"]] == ["shapes", "diagnosis"]
    assert shown["chain"][1]["parent"] == shown["chain"][0]["fingerprint"]
    assert shown["data"][0]["images"] == matl.load_model(run).manifest.counts
    assert shown["weights"]["trained_on"] == ["phantom_shapes", "phantom_ct"]
    text = (folder / "model_card.md").read_text()
    for part in ("no medical device", "AUROC", "calibration error", "2101.05410", "licence", "out"):
        assert part in text
    assert str(tmp_path) not in text + (folder / MODEL_CARD_VALUES).read_text()
    assert str(card.parity) in text
