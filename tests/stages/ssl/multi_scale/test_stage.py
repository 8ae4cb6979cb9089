"""The task lung_ssl: which networks learn, what each term sees, and what a fit leaves behind."""

from dataclasses import replace

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from matl.backbones import BackboneConfig, build_backbone
from matl.stages.ssl.findings import find
from matl.stages.ssl.multi_scale.method import MultiScaleConfig
from matl.stages.ssl.multi_scale.reader import RegionReader
from matl.stages.ssl.multi_scale.stage import MultiScaleStage
from matl.views import ViewConfig

CONFIG = MultiScaleConfig(part=3, task="lung_ssl", epochs=2, projection=16, queue=8, batch_size=4)
IMAGES = 64


def build(config: MultiScaleConfig = CONFIG, seed: int = 0) -> MultiScaleStage:
    backbone = build_backbone(BackboneConfig(name="resnet10t"), seed)
    return MultiScaleStage(backbone, config, seed, IMAGES)


def only(**weights: float) -> MultiScaleConfig:
    return replace(CONFIG, **({"whole": 0.0, "region": 0.0, "identity": 0.0} | weights))


def make_batch(first: int = 0, fields: bool = True, count: int = 4) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(first)
    regions = torch.zeros(count, 64, 64, dtype=torch.uint8)
    for region in range(6) if fields else ():
        x, y = divmod(region, 3)
        regions[:, 8 + 16 * y : 24 + 16 * y, 4 + 30 * x : 30 + 30 * x] = region + 1
    return {
        "image": torch.randint(0, 256, (count, 1, 64, 64), dtype=torch.uint8, generator=draw),
        "regions": regions,
        "index": torch.arange(first, first + count),
        "group": torch.arange(first, first + count) // 2,
    }


def fill_queue(stage: MultiScaleStage) -> None:
    keys = torch.randn(8, CONFIG.projection, generator=torch.Generator().manual_seed(5))
    stage.queue.push(keys, torch.arange(100, 108), torch.arange(50, 58))


def gradients(module: torch.nn.Module) -> Tensor:
    return torch.stack([p.grad.abs().sum() for p in module.parameters() if p.grad is not None])


def test_all_heads_and_the_query_network_learn_and_the_momentum_encoder_does_not():
    stage = build()
    fill_queue(stage)
    stage.loss(make_batch()).backward()
    for head in ("whole", "region", "identity"):
        for name, parameter in stage.heads[head].named_parameters():
            assert parameter.grad.abs().sum() > 0, f"{head}.{name}"
    assert gradients(stage.backbone).sum() > 0
    for network in (stage.key_backbone, stage.key_heads):
        assert all(p.grad is None and not p.requires_grad for p in network.parameters())


def test_the_total_is_the_weighted_sum_of_its_terms():
    parts = []
    for name in ("whole", "region", "identity"):
        stage = build(only(**{name: 1.0}))
        stage.views = replace(stage.views, flip=0.0)
        fill_queue(stage)
        parts.append(stage.loss(make_batch()))
    stage = build(replace(CONFIG, whole=0.5, region=2.0, identity=0.25))
    fill_queue(stage)
    expected = 0.5 * parts[0] + 2 * parts[1] + 0.25 * parts[2]
    torch.testing.assert_close(stage.loss(make_batch()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["whole", "region", "identity"])
def test_a_term_without_weight_has_no_head(name):
    stage = build(replace(CONFIG, **{name: 0.0}))
    assert name not in stage.heads
    assert stage.loss(make_batch()).isfinite()


EXTRA = ("cross_scale", "local", "restoration")


@pytest.mark.parametrize("name", EXTRA)
def test_each_further_term_adds_to_the_loss_and_trains_its_head(name):
    plain, wanted = build(), build(replace(CONFIG, **{name: 0.5}))
    for stage in (plain, wanted):
        fill_queue(stage)
    loss = wanted.loss(make_batch())
    if name != "restoration":  # which also changes what the other terms look at
        assert loss > plain.loss(make_batch())
    loss.backward()
    assert gradients(wanted).isfinite().all()
    if name in wanted.heads:
        for parameter, value in wanted.heads[name].named_parameters():
            assert value.grad.abs().sum() > 0, parameter
    else:
        assert name == "local"
    assert name not in wanted.key_heads


def test_terms_and_maps_that_are_added_change_no_weight_that_others_start_from():
    first, second = build(), build(replace(CONFIG, **dict.fromkeys(EXTRA, 1.0), region_stride=[8]))
    for name, value in first.heads["whole"].state_dict().items():
        assert torch.equal(value, second.heads["whole"].state_dict()[name])


def test_parts_of_a_scan_are_asked_for_its_own_whole():
    """A part that shows all of the scan, seen by the same network, is as right as the whole."""
    still = ViewConfig([1.0, 1.0], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    config = replace(only(whole=1.0, local=1.0), views=still, crop=[1.0, 1.0], crops=3)
    stage = build(config).eval()
    fill_queue(stage)
    stage.loss(make_batch())
    [(right, count)] = [stage._recorded["local/accuracy"]]
    assert right / count == 1
    assert stage._recorded["local/dropped"][0] == 0


def test_the_region_reader_reads_only_regions_that_are_seen():
    reader = RegionReader(8, 4).eval()
    features = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(2))
    seen = torch.ones(2, 6, dtype=torch.bool)
    seen[0, 3:] = False
    other = features.clone()
    other[0, 3:] = 7.0
    other[1, 5] = 7.0
    before, after = reader(features, seen), reader(other, seen)
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])
    none = torch.zeros(2, 6, dtype=torch.bool)
    assert reader(features, none).isfinite().all()


def test_views_flip_only_while_the_identity_term_is_off():
    assert build().views.flip == 0
    assert build(replace(CONFIG, identity=0.0)).views.flip == CONFIG.views.flip > 0


def test_scans_without_a_field_enter_the_whole_term_only():
    batch = make_batch(fields=False)
    whole = build(only(whole=1.0))
    fill_queue(whole)
    assert whole.loss(batch) > 0
    regions = build(only(region=1.0, identity=1.0))
    loss = regions.loss(batch)
    loss.backward()
    assert loss == 0
    assert gradients(regions).isfinite().all()
    assert gradients(regions).sum() == 0


def test_a_scan_without_a_field_changes_no_region_of_the_others():
    batch = make_batch()
    batch["regions"][3] = 0
    other = {name: values.clone() for name, values in batch.items()}
    other["image"][3] = 255 - other["image"][3]
    stage = build(only(region=1.0, identity=1.0)).eval()
    assert torch.equal(stage.loss(batch), stage.loss(other))


def test_views_without_lung_and_an_empty_queue_give_no_nan():
    batch = make_batch()
    batch["regions"].zero_()
    batch["regions"][:, 0, 0] = 1
    stage = build()
    loss = stage.loss(batch)
    loss.backward()
    assert loss == 0
    assert gradients(stage).isfinite().all()


def test_keys_of_views_without_lung_are_no_negatives():
    batch = make_batch()
    batch["regions"][0] = 0
    batch["regions"][0, 0, 0] = 1
    stage = build()
    stage.loss(batch)
    others = stage.queue.negatives(torch.tensor([99]), torch.tensor([99]))
    assert set(stage.queue.scans[others[0]].tolist()) == {1, 2, 3}


def test_the_queue_holds_at_most_a_quarter_of_the_images():
    config = replace(CONFIG, queue=1000)
    backbone = build_backbone(BackboneConfig(name="resnet10t"), 0)
    assert len(MultiScaleStage(backbone, config, 0, 41).queue.scans) == 10
    assert len(build().queue.scans) == 8


def test_the_losses_are_float32_under_mixed_precision():
    stage = build()
    fill_queue(stage)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = stage.loss(make_batch())
    fill = build()
    fill_queue(fill)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, fill.loss(make_batch()), rtol=0.05, atol=0.05)


def test_heads_depend_on_the_seed_only():
    torch.manual_seed(1)
    one = build(seed=7).heads.state_dict()
    torch.manual_seed(2)
    two = build(seed=7).heads.state_dict()
    three = build(seed=8).heads.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["identity.weight"], three["identity.weight"])


class ThreeBatches(pl.LightningDataModule):
    def __init__(self, fields: bool = True) -> None:
        super().__init__()
        self.fields = fields

    def train_dataloader(self) -> torch.utils.data.DataLoader:
        batches = [make_batch(first, self.fields) for first in range(0, 12, 4)]
        return torch.utils.data.DataLoader(batches, batch_size=None)


def fit(stage: MultiScaleStage, folder, fields: bool = True) -> pl.Trainer:
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(stage, ThreeBatches(fields))
    return trainer


def test_a_fit_moves_both_encoders_fills_the_queue_and_logs_its_health(tmp_path):
    stage, start = build(), build()
    trainer = fit(stage, tmp_path)
    assert trainer.callback_metrics["identity/position_alone"] > 0.5
    first = start.backbone.state_dict()
    for name, value in stage.backbone.named_parameters():
        follower = dict(stage.key_backbone.named_parameters())[name]
        moved = (value - first[name]).norm()
        assert 0 < (follower - first[name]).norm() < moved, name
    assert sorted(stage.queue.scans.tolist()) == list(range(4, 12))
    for term in ("whole", "region", "identity"):
        for part in ("loss", "accuracy", "dropped"):
            assert trainer.callback_metrics[f"{term}/{part}"].isfinite()
    assert trainer.callback_metrics["whole/spread"] > 0
    assert trainer.callback_metrics["without_field"] == 0


def test_a_checkpoint_is_plain_data_and_restores_queue_and_momentum_encoder(tmp_path):
    stage, restored = build(), build()
    fit(stage, tmp_path).save_checkpoint(tmp_path / "last.ckpt")
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    restored.load_state_dict(state)
    for name, value in stage.state_dict().items():
        assert torch.equal(value, restored.state_dict()[name])


def found_after(stage, folder, **options):
    """What the values that a stage logs in its last epoch say."""
    logged = fit(stage, folder, **options).callback_metrics
    row = {name: float(value) for name, value in logged.items()}
    return [one.text for one in find(pd.DataFrame([{"epoch": 1, **row}]), 1, 0.0)]


def test_collapsed_projections_are_found(tmp_path):
    stage = build(replace(CONFIG, lr=1e-12))
    torch.nn.init.zeros_(stage.heads["whole"].layers[-1].weight)
    torch.nn.init.ones_(stage.heads["whole"].layers[-1].bias)
    [text] = found_after(stage, tmp_path)
    assert text.startswith("collapsed from epoch 1: whole/spread is 0.0000 (below 0.1): ")


def test_features_of_no_region_have_not_collapsed(tmp_path):
    stage = build(only(region=1.0, identity=1.0))
    assert found_after(stage, tmp_path, fields=False) == []


def rank_of_two(rank: int, folder: str) -> None:
    """Half of the batch on one of two processes; its loss, gradients and queue go to a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    half = slice(2 * rank, 2 * rank + 2)
    stage, result = one_step(
        {name: values[half] for name, values in batch_of_four_patients().items()}
    )
    torch.save(result | stage.queue.state_dict(), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def batch_of_four_patients() -> dict[str, Tensor]:
    """A batch of four patients."""
    batch = make_batch()
    return batch | {"group": torch.arange(4)}


def one_step(batch: dict[str, Tensor]) -> tuple[MultiScaleStage, dict[str, Tensor]]:
    """One loss without any random view or batch statistic, so that processes do not differ."""
    still = ViewConfig([1.0, 1.0], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    stage = build(replace(CONFIG, views=still)).eval()
    fill_queue(stage)
    loss = stage.loss(batch)
    loss.backward()
    grads = {f"grad/{n}": p.grad for n, p in stage.heads.named_parameters()}
    return stage, {"loss": loss.detach()} | grads


@pytest.mark.slow
def test_two_processes_learn_from_the_same_negatives_and_fill_the_same_queue(tmp_path):
    torch.multiprocessing.spawn(rank_of_two, (str(tmp_path),), nprocs=2)
    stage, expected = one_step(batch_of_four_patients())
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    for name, value in expected.items():
        torch.testing.assert_close((first[name] + second[name]) / 2, value, rtol=1e-4, atol=1e-6)
    for name, value in stage.queue.state_dict().items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value)
