"""The LightningModule of the method `multi_scale`."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from lightly.models.modules.heads import MoCoProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone
from matl.lungs import REGIONS
from matl.seeding import draw_by_name, generator
from matl.stages.base import Stage
from matl.stages.processes import of_all_processes
from matl.stages.ssl.decoder import Decoder
from matl.stages.ssl.distortions import Draw, distort
from matl.stages.ssl.info_nce import Term, queue_loss
from matl.stages.ssl.measures import spread
from matl.stages.ssl.multi_scale.losses import RegionKeys, identity_loss, region_loss
from matl.stages.ssl.multi_scale.method import MultiScaleConfig, strides_of
from matl.stages.ssl.multi_scale.pooling import LEAST_REGION, Look, visible, without_field
from matl.stages.ssl.multi_scale.position import position_accuracy
from matl.stages.ssl.multi_scale.reader import RegionReader
from matl.stages.ssl.queue import EMPTY, KeyQueue
from matl.stages.ssl.restoration import RestorationConfig as Genesis
from matl.views import Fitting

FOLLOWED = ("whole", "region")
"""The heads that the momentum encoder has, too."""

STRENGTHS = (Genesis.shuffle, Genesis.bend, Genesis.paint, Genesis.outside)


class WholeKeys(NamedTuple):
    """What the whole of a scan is recognised by.

    Attributes:
        keys: [B, D], of the momentum encoder's view.
        shows: bool [B], whether that view shows enough lung.
        queue: [K, D], keys of earlier batches.
        negatives: bool [B, K], which of these are negatives of each scan.
    """

    keys: Tensor
    shows: Tensor
    queue: Tensor
    negatives: Tensor


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
        self.strides = {
            term: strides_of(getattr(config, f"{term}_stride"), backbone.last_stride)
            for term in ("whole", "region", "identity")
        }
        self.heads = build_heads(backbone, config, self.strides)
        draw_by_name(self.heads, seed, f"{config.task}.heads")
        followed = {name: self.heads[name] for name in FOLLOWED if name in self.heads}
        self.key_backbone = copy.deepcopy(backbone)
        self.key_heads = nn.ModuleDict(copy.deepcopy(followed))
        for network in (self.key_backbone, self.key_heads):
            deactivate_requires_grad(network)
        self.queue = KeyQueue(min(config.queue, images // 4), config.projection)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Weighted sum of the terms that are on."""
        config, fields, draw = self.config, batch["regions"], self.view_generator()
        first, second = (self.draw_view(batch, self.views, draw) for _ in range(2))
        seen = self._distorted(first.image) if config.restoration > 0 else first.image
        query = Look(first.theta, self.backbone(seen), fields)
        with torch.no_grad():
            maps = self.key_backbone(second.image) if self.key_heads else {}
        key = Look(second.theta, maps, fields)
        parts = self._look_at_parts(batch, draw) if config.local > 0 else None
        losses: dict[str, Tensor] = {}
        if config.restoration > 0:
            losses["restoration"] = self._restoration(query, first.image, seen, batch)
        with torch.autocast(self.device.type, enabled=False):
            if config.whole > 0:
                losses |= self._of_whole(batch, query, key, parts)
            if config.region > 0:
                losses["region"] = self._region(batch, query, key)
            if config.identity > 0:
                losses["identity"] = self._identity(batch, query, key)
        self.record("without_field", without_field(fields).float().mean(), batch)
        return torch.stack([getattr(config, name) * loss for name, loss in losses.items()]).sum()

    def _distorted(self, image: Tensor) -> Tensor:
        """A view distorted as in Models Genesis."""
        own = generator(self.seed, self.config.task, "distortions", *self._place())
        return distort(image, Draw(own, self.share), *STRENGTHS)

    def _look_at_parts(self, batch: dict[str, Tensor], draw: torch.Generator) -> Look:
        """Small parts of each scan: one of all scans, then the next one of all."""
        times, views = self.config.crops, replace(self.views, crop=self.config.crop)
        height, width = self.fitting.size
        fitting = Fitting((height // 2, width // 2), self.fitting.fit)
        parts = [self.draw_view(batch, views, draw, fitting) for _ in range(times)]
        maps = self.backbone(torch.cat([part.image for part in parts]))
        theta = torch.cat([part.theta for part in parts])
        return Look(theta, maps, batch["regions"].repeat(times, 1, 1))

    def _of_whole(
        self, batch: dict[str, Tensor], query: Look, key: Look, parts: Look | None
    ) -> dict[str, Tensor]:
        """The terms that recognise a scan by its whole: *whole*, *cross_scale* and *local*."""
        scans, patients = batch["index"], batch["group"]
        features, shows = key.lung(self.strides["whole"])
        with torch.no_grad():
            keys = self.key_heads["whole"](features)
        negatives = self.queue.negatives(scans, patients)
        known = WholeKeys(keys, shows, self.queue.keys.clone(), negatives)
        features, shows = query.lung(self.strides["whole"])
        asked = {"whole": (self.heads["whole"](features), shows)}
        if self.config.cross_scale > 0:
            regions = query.regions(self.strides["region"])
            read = self.heads["cross_scale"](regions.features, regions.seen)
            asked["cross_scale"] = (read, regions.seen.any(dim=1))
        if parts is not None:
            features, shows = parts.lung(self.strides["whole"])
            asked["local"] = (self.heads["whole"](features), shows)
        losses = {
            name: self._recognise(name, queries, shows, known, batch)
            for name, (queries, shows) in asked.items()
        }
        owners = torch.where(known.shows, patients, EMPTY)
        self.queue.push(*map(of_all_processes, (keys, scans, owners)))
        return losses

    def _recognise(
        self,
        name: str,
        queries: Tensor,
        shows: Tensor,
        known: WholeKeys,
        batch: dict[str, Tensor],
    ) -> Tensor:
        """The loss of queries [N * B, D], one of all scans, then the next one of all."""
        times = len(queries) // len(known.keys)
        keys, negatives = known.keys.repeat(times, 1), known.negatives.repeat(times, 1)
        takes_part = shows & known.shows.repeat(times)
        temperature = self.config.temperature
        term = queue_loss(queries, keys, takes_part, known.queue, negatives, temperature)
        self.record(f"{name}/spread", spread(queries, takes_part), batch)
        return self._record_term(name, term, batch)

    def _region(self, batch: dict[str, Tensor], query: Look, key: Look) -> Tensor:
        asked, known = (look.regions(self.strides["region"]) for look in (query, key))
        with torch.no_grad():
            keys = self.key_heads["region"](known.features)
        takes_part = asked.seen & known.seen
        own = RegionKeys(keys, takes_part, batch["index"], batch["group"])
        others = RegionKeys(*map(of_all_processes, own))
        queries = self.heads["region"](asked.features)
        self.record("region/spread", spread(queries, takes_part), batch)
        term = region_loss(queries, own, others, self.config.temperature)
        return self._record_term("region", term, batch)

    def _identity(self, batch: dict[str, Tensor], query: Look, key: Look) -> Tensor:
        asked = query.regions(self.strides["identity"])
        known = key.shares(asked.shares.shape[2:])
        takes_part = asked.seen & visible(known, LEAST_REGION)
        position_alone = position_accuracy(known, asked.shares, takes_part)
        self.record("identity/position_alone", position_alone, batch)
        term = identity_loss(self.heads["identity"](asked.features), takes_part)
        return self._record_term("identity", term, batch)

    def _restoration(
        self, query: Look, image: Tensor, distorted: Tensor, batch: dict[str, Tensor]
    ) -> Tensor:
        """Mean squared error of the restored view; the share of the distortion's is recorded."""
        logits = self.heads["restoration"](query.maps, image.shape[2:])
        error = F.mse_loss(logits.float().sigmoid(), image)
        before = F.mse_loss(distorted, image).clamp(min=1e-8)
        self.record("restoration/loss", error, batch)
        self.record("restoration/removed", 1 - error / before, batch)
        return error

    def _record_term(self, name: str, term: Term, batch: dict[str, Tensor]) -> Tensor:
        """The loss of a term, which is recorded with its accuracy and its dropped queries."""
        self.record(f"{name}/loss", term.loss, batch)
        self.record(f"{name}/accuracy", term.accuracy, batch)
        self.record(f"{name}/dropped", 1 - term.used, batch)
        return term.loss

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """Take a step, then move the momentum encoder."""
        super().optimizer_step(*args, **options)
        self.follow()

    def follow(self) -> None:
        """Moves the momentum encoder towards the query network; once an optimizer step."""
        update_momentum(self.backbone, self.key_backbone, self.config.momentum)
        for name, followed in self.key_heads.items():
            update_momentum(self.heads[name], followed, self.config.momentum)


def build_heads(
    backbone: AttentiveBackbone, config: MultiScaleConfig, strides: Mapping[str, Sequence[int]]
) -> nn.ModuleDict:
    """A head for each term that is on; *local* shares that of *whole*."""
    heads = nn.ModuleDict()
    whole, region, identity = (
        sum(backbone.channels[stride] for stride in strides[term])
        for term in ("whole", "region", "identity")
    )
    if config.whole > 0:
        heads["whole"] = MoCoProjectionHead(whole, whole, config.projection)
    if config.region > 0:
        heads["region"] = MoCoProjectionHead(region, region, config.projection)
    if config.identity > 0:
        heads["identity"] = nn.Linear(identity, len(REGIONS))
    if config.cross_scale > 0:
        heads["cross_scale"] = RegionReader(region, config.projection)
    if config.restoration > 0:
        heads["restoration"] = Decoder(backbone.channels, Genesis.decoder, backbone.in_channels)
    return heads
