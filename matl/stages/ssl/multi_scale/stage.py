"""The LightningModule of the method `multi_scale`."""

import copy
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from lightly.models.modules.heads import MoCoProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone
from matl.lungs import REGIONS
from matl.seeding import draw_by_name
from matl.stages.base import Stage
from matl.stages.processes import of_all_processes
from matl.stages.ssl.info_nce import Term, queue_loss
from matl.stages.ssl.measures import spread
from matl.stages.ssl.multi_scale.losses import RegionKeys, identity_loss, region_loss
from matl.stages.ssl.multi_scale.method import MultiScaleConfig
from matl.stages.ssl.multi_scale.pooling import carry, lung_weights, pool, visible, without_field
from matl.stages.ssl.multi_scale.position import position_accuracy
from matl.stages.ssl.queue import EMPTY, KeyQueue

LEAST_REGION = 0.01
"""Share of a view that a region must cover to count as visible."""


class Look(NamedTuple):
    """One view of a batch: float32 [B, 2, 3] map to the scan, and feature maps by stride."""

    theta: Tensor
    maps: dict[int, Tensor]


class MultiScaleStage(Stage):
    """Learns whole lungs and their regions at once; only the query network travels on.

    One view goes through the query network, the other through a momentum encoder that gives the
    keys, as in MoCo (https://arxiv.org/abs/1911.05722). Both encoders normalise by their own
    batch: with moving averages instead (EMAN, https://arxiv.org/abs/2101.08482) the whole term was
    not learned from scratch.

    Args:
        backbone: the query network, trained in place.
        config: the stage's settings.
        seed: the experiment's seed.
        images: number of training images; the queue holds at most a quarter as many keys.
    """

    config: MultiScaleConfig

    def __init__(
        self, backbone: AttentiveBackbone, config: MultiScaleConfig, seed: int, images: int
    ) -> None:
        super().__init__(backbone, config, seed)
        self.views = replace(config.views, flip=0.0) if config.identity > 0 else config.views
        self.contrasts = config.whole > 0 or config.region > 0
        self.whole_stride = backbone.last_stride
        self.heads = build_heads(backbone, config)
        draw_by_name(self.heads, seed, f"{config.task}.heads")
        self.key_backbone = copy.deepcopy(backbone)
        self.key_heads = copy.deepcopy(self.heads)
        for network in (self.key_backbone, self.key_heads):
            deactivate_requires_grad(network)
        self.queue = KeyQueue(min(config.queue, images // 4), config.projection)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Weighted sum of the terms that are on."""
        query, key = self._look(batch)
        terms: dict[str, Term] = {}
        with torch.autocast(self.device.type, enabled=False):
            if self.config.whole > 0:
                terms["whole"] = self._whole(batch, query, key)
            if self.config.region > 0 or self.config.identity > 0:
                terms |= self._regions(batch, query, key)
        for name, term in terms.items():
            self.record(f"{name}/loss", term.loss, batch)
            self.record(f"{name}/accuracy", term.accuracy, batch)
            self.record(f"{name}/dropped", 1 - term.used, batch)
        self.record("without_field", without_field(batch["regions"]).float().mean(), batch)
        weighted = [getattr(self.config, name) * term.loss for name, term in terms.items()]
        return torch.stack(weighted).sum()

    def _look(self, batch: dict[str, Tensor]) -> tuple[Look, Look]:
        """Two views of a batch, seen by the query network and by the momentum encoder."""
        generator = self.view_generator()
        views = [self.draw_view(batch, self.views, generator) for _ in range(2)]
        query_maps = self.backbone(views[0].image)
        with torch.no_grad():
            key_maps = self.key_backbone(views[1].image) if self.contrasts else {}
        return Look(views[0].theta, query_maps), Look(views[1].theta, key_maps)

    def _whole(self, batch: dict[str, Tensor], query: Look, key: Look) -> Term:
        scans, patients, regions = batch["index"], batch["group"], batch["regions"]
        query_map, key_map = query.maps[self.whole_stride], key.maps[self.whole_stride]
        query_weights, query_shows = lung_weights(regions, query.theta, query_map.shape[2:])
        key_weights, key_shows = lung_weights(regions, key.theta, key_map.shape[2:])
        queries = self.heads["whole"](pool(query_map, query_weights).squeeze(1))
        with torch.no_grad():
            keys = self.key_heads["whole"](pool(key_map, key_weights).squeeze(1))
        takes_part = query_shows & key_shows
        queue = self.queue.keys.clone()
        negatives = self.queue.negatives(scans, patients)
        term = queue_loss(queries, keys, takes_part, queue, negatives, self.config.temperature)
        owners = torch.where(key_shows, patients, EMPTY)
        self.queue.push(*map(of_all_processes, (keys, scans, owners)))
        self.record("whole/spread", spread(queries, takes_part), batch)
        return term

    def _regions(self, batch: dict[str, Tensor], query: Look, key: Look) -> dict[str, Term]:
        query_map = query.maps[self.config.region_stride]
        query_weights = carry(batch["regions"], query.theta, query_map.shape[2:])
        key_weights = carry(batch["regions"], key.theta, query_map.shape[2:])
        takes_part = visible(query_weights, LEAST_REGION) & visible(key_weights, LEAST_REGION)
        features = pool(query_map, query_weights)
        terms = {}
        if self.config.region > 0:
            key_map = key.maps[self.config.region_stride]
            with torch.no_grad():
                keys = self.key_heads["region"](pool(key_map, key_weights))
            own = RegionKeys(keys, takes_part, batch["index"], batch["group"])
            others = RegionKeys(*map(of_all_processes, own))
            queries = self.heads["region"](features)
            terms["region"] = region_loss(queries, own, others, self.config.temperature)
            self.record("region/spread", spread(queries, takes_part), batch)
        if self.config.identity > 0:
            terms["identity"] = identity_loss(self.heads["identity"](features), takes_part)
            position_alone = position_accuracy(key_weights, query_weights, takes_part)
            self.record("identity/position_alone", position_alone, batch)
        return terms

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """Take a step, then move the momentum encoder."""
        super().optimizer_step(*args, **options)
        self.follow()

    def follow(self) -> None:
        """Moves the momentum encoder towards the query network; once an optimizer step."""
        update_momentum(self.backbone, self.key_backbone, self.config.momentum)
        update_momentum(self.heads, self.key_heads, self.config.momentum)


def build_heads(backbone: AttentiveBackbone, config: MultiScaleConfig) -> nn.ModuleDict:
    """A head for each term that is on: two projections, and a classifier of region features."""
    heads = nn.ModuleDict()
    region = backbone.channels[config.region_stride]
    if config.whole > 0:
        whole = backbone.num_features
        heads["whole"] = MoCoProjectionHead(whole, whole, config.projection)
    if config.region > 0:
        heads["region"] = MoCoProjectionHead(region, region, config.projection)
    if config.identity > 0:
        heads["identity"] = nn.Linear(region, len(REGIONS))
    return heads
