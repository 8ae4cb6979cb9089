"""The task `source`: one kind of labels or several."""

from pathlib import Path

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from still import STILL
from timm.data import Mixup
from tiny import Load, run_quietly
from torch import Tensor

from data_modules.config import DataConfig
from matl.backbones import BackboneConfig, build_backbone
from matl.errors import MatlError
from matl.names import CURVES
from matl.orchestrator.job import data_module
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job
from matl.stages.source.stage import SourceStage, drawn_share
from matl.stages.source.task import SourceConfig

Labels = dict[str, object]
TARGETS = torch.tensor([0, 1, 2, 2])
SEVERAL_TARGETS = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
SINGLE: Labels = {"classes": list("abc"), "multi_label": False, "images": 4, "counts": [1, 1, 2]}
SEVERAL: Labels = {"classes": list("ab"), "multi_label": True, "images": 3, "counts": [2, 2]}


def stage(label_sets: dict[str, Labels], **settings: object) -> SourceStage:
    config = SourceConfig(part=1, task="source", epochs=1, views=STILL, **settings)
    backbone = build_backbone(BackboneConfig("resnet10t", "none"), seed=0)
    return SourceStage(backbone, config, 0, label_sets)


def batch(images: int = 6, **arrays: Tensor) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, 1, 32, 32), dtype=torch.uint8, generator=generator)
    return {"image": pixels, **arrays}


MIXED = {
    "label_set": torch.tensor([0, 1, 0, 1, -1, 0]),
    "label": torch.tensor([2, -1, 0, -1, -1, 1]),
    "labels": torch.tensor([[-1, -1], [1, 0], [-1, -1], [1, 1], [-1, -1], [-1, -1]]).float(),
}


def test_one_kind_of_labels_is_plain_cross_entropy() -> None:
    trained = stage({"classes": SINGLE})
    given = batch(label=torch.tensor([0, 1, 2, 2, 1, 0]))
    expected = F.cross_entropy(trained(trained.plain_view(given))["classes"], given["label"])
    assert trained.loss(given).item() == pytest.approx(expected.item(), rel=1e-3)


def test_several_kinds_are_weighted_by_their_images() -> None:
    trained = stage({"shapes": SINGLE, "findings": SEVERAL}).eval()
    given = batch(**MIXED)
    keep = given["label_set"] >= 0
    trained.backbone.eval()
    logits = trained(trained.plain_view(given))
    single = F.cross_entropy(logits["shapes"][[0, 2, 5]], given["label"][[0, 2, 5]])
    several = F.binary_cross_entropy_with_logits(
        logits["findings"][[1, 3]], given["labels"][[1, 3]]
    )
    expected = (3 * single + 2 * several) / keep.sum()
    assert trained.loss(given).item() == pytest.approx(expected.item(), rel=1e-3)


def test_a_head_without_images_has_a_gradient_of_zero() -> None:
    trained = stage({"shapes": SINGLE, "findings": SEVERAL})
    zeros = torch.zeros(6, dtype=torch.long)
    trained.loss(batch(label_set=zeros, label=zeros, labels=torch.zeros(6, 2))).backward()
    assert not trained.heads["1"].linear.weight.grad.any()
    assert trained.heads["0"].linear.weight.grad.any()


@pytest.mark.parametrize(
    ("labels", "targets"),
    [(SINGLE, TARGETS), (SEVERAL, SEVERAL_TARGETS)],
    ids=["single", "several"],
)
def test_mixup_mixes_labels_as_it_mixes_images(labels: Labels, targets: Tensor) -> None:
    """An image of one grey level a class tells its own mixture."""
    head = stage({"classes": labels}, mixup=1.0).heads["0"]
    targets = targets[:2]
    images = torch.zeros(2, 1, 4, 4)
    images[1] = 1.0
    torch.manual_seed(0)
    mixed, soft = head.mix(images.clone(), targets)
    share = mixed[:, 0, 0, 0]
    assert 0 < share[0] < 1
    given = targets if targets.ndim == 2 else F.one_hot(targets, len(labels["classes"])).float()
    expected = given[:1] + share[:, None] * (given[1:] - given[:1])
    torch.testing.assert_close(soft, expected, rtol=1e-4, atol=1e-4)


def test_the_share_of_a_mixture_is_drawn_by_timm() -> None:
    """By a private name of timm's: this fails when an upgrade takes it away."""
    shares = [drawn_share(Mixup(mixup_alpha=1.0, num_classes=2)) for _ in range(8)]
    assert all(0 <= share <= 1 for share in shares)
    assert len(set(shares)) > 1


def test_mixup_leaves_an_odd_image_out() -> None:
    trained = stage({"shapes": SINGLE, "findings": SEVERAL}, mixup=0.5)
    assert trained.loss(batch(**MIXED)).isfinite()


def test_class_weights_balance_each_kind() -> None:
    trained = stage({"shapes": SINGLE, "findings": SEVERAL}, class_weights="balanced")
    weights = trained.heads["0"].weights
    assert weights[2] == weights[0] / 2
    assert trained.heads["1"].weights.tolist() == [0.5, 0.5]


def union(tmp_path: Path, phantom_root: Path) -> DataConfig:
    """Shapes, and radiographs with several findings, read as a table."""
    shapes = {
        "name": "phantom_shapes",
        "root": str(phantom_root / "phantom_shapes"),
        "options": {"images": 60, "size": 32},
    }
    source = make_table(phantom_root, tmp_path)
    several = {"name": "csv", "root": str(source), "options": {"multi_label": True}}
    return DataConfig(union=[shapes, several])


def make_table(phantom_root: Path, tmp_path: Path) -> Path:
    from data_modules.phantom import index_ct

    samples = index_ct(phantom_root / "phantom_ct", patients=8, slices=2, size=64)
    rows = samples.table[["path", "patient", "split"]].copy()
    rows["label"] = ["|" if n % 3 == 0 else "a|b" if n % 3 == 1 else "b" for n in range(len(rows))]
    rows["path"] = [str(file) for file in samples.files()]
    folder = tmp_path / "findings.v2"
    folder.mkdir()
    for row, file in zip(rows.index, samples.files(), strict=True):
        copy = folder / f"{row}.png"
        copy.write_bytes(file.read_bytes())
        rows.loc[row, "path"] = copy.name
    rows.to_csv(folder / "samples.csv", index=False)
    return folder


@pytest.mark.parametrize("evenness", [0.0, 0.5, 1.0])
def test_a_stage_learns_several_data_sets_at_once(
    load_tiny: Load, tmp_path: Path, phantom_root: Path, evenness: float
) -> None:
    experiment = load_tiny("chain=[shapes,diagnosis]", f"stages.shapes.evenness={evenness}")
    experiment.stages["shapes"].data = union(tmp_path, phantom_root)
    record, _, _ = run_quietly(experiment)
    row = record.stages[0]
    assert row.metric == "val/mean"
    curves = pd.read_csv(Store(tmp_path / "store").file(row.fingerprint, CURVES))
    heads = [name for name in curves.columns if name.startswith("val/")]
    assert heads == [
        "val/findings.v2/auroc",
        "val/loss",
        "val/mean",
        "val/phantom_shapes/accuracy",
    ]


def test_class_weights_count_in_mixed_labels_too() -> None:
    plain, weighted = (
        stage({"classes": SINGLE}, mixup=1.0, class_weights=choice).heads["0"]
        for choice in ("none", "balanced")
    )
    logits, soft = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.5, 0.5, 0.0]])
    assert plain.loss(logits, soft) != weighted.loss(logits, soft)


def test_evenness_without_several_kinds_of_labels_is_refused(load_tiny: Load) -> None:
    with pytest.raises(MatlError, match=r"stages.shapes.evenness: needs a union"):
        make_plan(load_tiny("stages.shapes.evenness=0.5"))


def test_a_diagnosis_of_several_kinds_is_refused(
    load_tiny: Load, tmp_path: Path, phantom_root: Path
) -> None:
    experiment = load_tiny("chain=[diagnosis]")
    experiment.stages["diagnosis"].data = union(tmp_path, phantom_root)
    with pytest.raises(MatlError, match="one kind of classes"):
        make_plan(experiment)


def test_whether_processes_speak_does_not_depend_on_their_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where one has a single image of a kind it cannot mix, and yet all must do alike."""
    calls: list[Tensor] = []

    def counted(weights: Tensor) -> Tensor:
        calls.append(weights)
        return torch.ones(())

    monkeypatch.setattr("matl.stages.source.stage.relative_weight", counted)
    head = stage({"classes": SINGLE}, mixup=1.0, class_weights="balanced").heads["0"]
    for images in (1, 2):
        head.loss(
            torch.zeros(images, 3),
            head.mix(torch.zeros(images, 1, 4, 4), TARGETS[:images])[1],
        )
    assert not calls
    head.eval()
    head.loss(torch.zeros(2, 3), TARGETS[:2])
    assert len(calls) == 1


def heads_auroc(trained: SourceStage, logits: Tensor, targets: Tensor, rows: int) -> float:
    """What validation shows for logits that come in batches of `rows`."""
    [(_, head)] = trained._named_heads()
    head.linear = torch.nn.Identity()
    for given, expected in zip(logits.split(rows), targets.split(rows), strict=True):
        head.note(given, expected)
    return float(head.metric.compute())


def test_logits_of_every_size_are_ranked_alike() -> None:
    """The second batch is within [0, 1], where torchmetrics would take logits for probabilities."""
    logits = torch.tensor([[-2.0, 3.0], [2.0, -3.0], [0.1, 0.9], [0.9, 0.1]])
    targets = torch.tensor([[0, 1], [1, 0], [0, 1], [1, 0]]).float()
    for rows in (2, 4):
        assert heads_auroc(stage({"findings": SEVERAL}), logits, targets, rows) == 1.0
    shifted = logits + torch.tensor([[1.0, 0.0]])
    both = [heads_auroc(stage({"findings": SEVERAL}), shifted, targets, rows) for rows in (2, 4)]
    assert both[0] == both[1]


def test_a_class_that_no_image_has_takes_no_part() -> None:
    logits = torch.tensor([[-2.0, 3.0], [2.0, -3.0]])
    targets = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    assert heads_auroc(stage({"findings": SEVERAL}), logits, targets, 2) == 1.0


def test_labels_are_smoothed_in_training_alone() -> None:
    trained = stage({"findings": SEVERAL}, label_smoothing=0.2)
    [(_, head)] = trained._named_heads()
    logits, targets = torch.tensor([[9.0, -9.0]]), torch.tensor([[1.0, 0.0]])
    assert head.loss(logits, targets) > 0.5
    assert head.eval().loss(logits, targets) < 0.01


def write_set(folder: Path, labels: list[str]) -> str:
    """A data set of a table; its root in an experiment."""
    folder.mkdir()
    rows = ["path,label,split"]
    for number, label in enumerate(labels):
        Image.new("L", (32, 32), 9 * number).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{label},{'val' if number % 4 == 3 else 'train'}")
    (folder / "samples.csv").write_text("\n".join(rows))
    return str(folder)


def test_one_label_that_some_have_is_refused(load_tiny: Load, tmp_path: Path) -> None:
    root = write_set(tmp_path / "findings", ["a", "|"] * 4)
    experiment = load_tiny()
    experiment.stages["shapes"].data = DataConfig("csv", root=root, options={"multi_label": True})
    with pytest.raises(MatlError, match=r"findings has one label, 'a'; write a second class"):
        make_plan(experiment)


def test_data_sets_with_the_same_classes_share_a_head_and_may_be_drawn_alike(
    load_tiny: Load, tmp_path: Path
) -> None:
    sets = [write_set(tmp_path / name, ["ill", "well"] * n) for name, n in (("a", 4), ("b", 12))]
    experiment = load_tiny("stages.shapes.evenness=1", "stages.shapes.batch_size=8")
    members = [{"name": "csv", "root": root} for root in sets]
    experiment.stages["shapes"].data = DataConfig(union=members)
    plan = make_plan(experiment)
    note = plan.chain[0].samples.notes[-1]
    assert note == "the members share their classes: ill, well"
    job = stage_job(plan, plan.chain[0], Store(tmp_path / "store"))
    drawn = [batch["index"] for batch in data_module(job, rank=0).train_dataloader()]
    sources = job.images.samples.table["source"].to_numpy()[torch.cat(drawn).numpy()]
    assert (sources == "a").mean() == 0.5
