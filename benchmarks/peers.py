"""Our self-supervised stages over lightly's own modules, loader and transforms.

Heads and losses are lightly's on both sides, on the same network and at the same precision. `step`
takes views that are there already; `stage` begins at image files and ends after some epochs.
"""

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch
from lightly.data import LightlyDataset
from lightly.loss import NTXentLoss
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.transforms import BYOLTransform, MoCoV2Transform, SimCLRTransform, VICRegTransform
from lightly.transforms.byol_transform import BYOLView1Transform, BYOLView2Transform
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.stack import demo_job, demo_plan, open_job
from matl.orchestrator.fit import fit
from matl.orchestrator.job import Job, initial_stage
from matl.stages.ssl.stage import MethodStage

METHODS = ("simclr", "moco", "byol", "vicreg")
SIZE, STORED, BATCH, EPOCHS = 128, 256, 64, 3
PATIENTS, STEPS, REPEATS = 128, 6, 3
MOMENTUM = 0.99
TRANSFORMS: dict[str, Callable[[], Any]] = {
    "simclr": lambda: SimCLRTransform(input_size=SIZE),
    "moco": lambda: MoCoV2Transform(input_size=SIZE),
    "byol": lambda: BYOLTransform(
        BYOLView1Transform(input_size=SIZE), BYOLView2Transform(input_size=SIZE)
    ),
    "vicreg": lambda: VICRegTransform(input_size=SIZE),
}


class Lightly(nn.Module):
    """A method as lightly's documentation writes it, on copies of a stage's network and heads."""

    def __init__(self, stage: MethodStage) -> None:
        super().__init__()
        self.name = stage.config.method
        self.backbone, self.heads = copy.deepcopy(stage.backbone), copy.deepcopy(stage.heads)
        followed = {"backbone": self.backbone, "projection": self.heads["projection"]}
        self.teacher = nn.ModuleDict(copy.deepcopy(followed) if stage.teacher else {})
        deactivate_requires_grad(self.teacher)
        if self.name == "moco":
            keys = cast("Any", self.heads["queue"]).keys
            self.criterion: Any = NTXentLoss(0.2, memory_bank_size=tuple(keys.shape))
        else:
            self.criterion = self.heads["loss"]

    def loss(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of two views."""
        if self.name in ("simclr", "vicreg"):
            return self.criterion(self._project(first), self._project(second))
        if self.name == "moco":
            return self.criterion(self._project(first), self._teach(second))
        predict = self.heads["prediction"]
        sides = (first, second), (second, first)
        parts = [
            self.criterion(predict(self._project(seen)), self._teach(other))
            for seen, other in sides
        ]
        return 0.5 * (parts[0] + parts[1])

    def _project(self, view: Tensor) -> Tensor:
        return self.heads["projection"](features(self.backbone, view))

    @torch.no_grad()
    def _teach(self, view: Tensor) -> Tensor:
        return self.teacher["projection"](features(self.teacher["backbone"], view))

    def follow(self) -> None:
        """Moves the teacher."""
        if self.teacher:
            update_momentum(self.backbone, self.teacher["backbone"], MOMENTUM)
            update_momentum(self.heads["projection"], self.teacher["projection"], MOMENTUM)


def features(backbone: nn.Module, view: Tensor) -> Tensor:
    """The last map's mean over all places."""
    return list(backbone(view).values())[-1].mean((2, 3))


class Ours:
    """A stage's step without a trainer, on views that are given."""

    def __init__(self, stage: MethodStage) -> None:
        self.stage = stage
        stage.record = lambda *_: None  # type: ignore[method-assign] # there is no trainer

    def loss(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of two views."""
        views = [first, second]
        self.stage.views = lambda *_, **__: views  # type: ignore[method-assign]
        return self.stage.loss({"image": first, "index": torch.arange(len(first))})

    def follow(self) -> None:
        """Moves the teacher."""
        for name, copied in self.stage.teacher.items():
            own = self.stage.backbone if name == "backbone" else self.stage.heads[name]
            update_momentum(own, copied, MOMENTUM)


def peers(folder: Path) -> dict[str, dict[str, float]]:
    """Each method's images a second, ours and lightly's, and their ratios."""
    return {method: _step(method, folder) | _stage(method, folder) for method in METHODS}


def _step(method: str, folder: Path) -> dict[str, float]:
    """Steps on the same views, in turns."""
    job = _job(method, folder, "step")
    stage = _new_stage(job)
    views = torch.rand(2, BATCH, 3, SIZE, SIZE).contiguous()
    sides = {"lightly": Lightly(stage), "ours": Ours(stage)}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(REPEATS):
        for name in list(sides)[:: -1 if repeat % 2 else 1]:
            side = sides[name]
            weights = stage if isinstance(side, Ours) else side
            rates[name].append(_step_rate(side, cast("nn.Module", weights), views))
    ours, lightly = median(rates["ours"]), median(rates["lightly"])
    return {"step": ours, "lightly_step": lightly, "step_ratio": ours / lightly}


def _step_rate(side: Any, module: nn.Module, views: Tensor) -> float:
    optimizer = torch.optim.AdamW([one for one in module.parameters() if one.requires_grad], 1e-4)
    _train_step(side, optimizer, views[0], views[1])
    start = time.perf_counter()
    for _ in range(STEPS):
        _train_step(side, optimizer, views[0], views[1])
    return STEPS * len(views[0]) / (time.perf_counter() - start)


def _train_step(side: Any, optimizer: torch.optim.Optimizer, first: Tensor, second: Tensor) -> None:
    loss = side.loss(first, second)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    side.follow()


def _stage(method: str, folder: Path) -> dict[str, float]:
    """From files to a trained stage; the bound is what a loader that costs nothing would give."""
    job = _job(method, folder, "warm")  # draws the images
    stage = _new_stage(job)
    source = job.stage.samples.root / "images"
    ours = [_our_rate(method, folder, str(repeat)) for repeat in range(REPEATS)]
    lightly = [_lightly_rate(stage, source) for _ in range(REPEATS)]
    side = Ours(stage)
    step = _step_rate(side, stage, torch.rand(2, BATCH, 3, SIZE, SIZE))
    mine, theirs = median(ours), median(lightly)
    return {"stage": mine, "lightly_stage": theirs, "ratio": mine / theirs, "bound": step / theirs}


def _our_rate(method: str, folder: Path, repeat: str) -> float:
    """With an empty image cache: the first epoch decodes."""
    empty = f"cache={folder / f'cache-{method}-{repeat}'}"
    plan, stage = demo_plan("lung", folder, *_words(method), empty)
    workspace = folder / f"{method}-{repeat}"
    workspace.mkdir()
    start = time.perf_counter()
    job = open_job(plan, stage, workspace)
    fit(job)
    return EPOCHS * len(job.images.samples) / (time.perf_counter() - start)


def _lightly_rate(stage: MethodStage, source: Path) -> float:
    side = Lightly(stage)
    optimizer = torch.optim.AdamW([one for one in side.parameters() if one.requires_grad], 1e-4)
    images = 0
    start = time.perf_counter()
    for first, second in _loaded(side.name, source):
        _train_step(side, optimizer, first, second)
        images += len(first)
    return images / (time.perf_counter() - start)


def _loaded(method: str, source: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Two views of each image for some epochs, by lightly's data set and transform."""
    data = LightlyDataset(str(source), transform=TRANSFORMS[method]())
    workers = {"num_workers": 2, "persistent_workers": True}
    loader = DataLoader(data, BATCH, shuffle=True, drop_last=True, **workers)  # type: ignore[arg-type]
    for _ in range(EPOCHS):
        for views, _, _ in loader:
            yield views[0], views[1]


def _new_stage(job: Job) -> MethodStage:
    stage = initial_stage(job)
    assert isinstance(stage, MethodStage)
    return stage.to(memory_format=torch.channels_last)


def _job(method: str, folder: Path, place: str) -> Job:
    return demo_job("lung", folder, f"{method}-{place}", *_words(method))


def _words(method: str) -> list[str]:
    """The demo's lung stage by a method: ResNet-18 without operators on phantom slices."""
    scans = f"{{patients: {PATIENTS}, slices: 4, size: {STORED}}}"
    settings = {"method": method, "size": SIZE, "batch_size": BATCH, "transductive": True}
    own = [f"stages.lung.{key}={value}" for key, value in settings.items()]
    own += [f"stages.{name}.data.options={scans}" for name in ("lung", "diagnosis")]
    own += ["chain=[lung, diagnosis]", "baselines=[]"]
    return [*own, "backbone.operator=none", "backbone.in_channels=3", "trainer.precision=32-true"]
