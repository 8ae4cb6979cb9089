"""What the backbones cost: `python -m benchmarks.backbones` writes docs/results/backbones.md."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.progress import track

from matl.backbones import (
    AttentiveBackbone,
    BackboneConfig,
    build_backbone,
    flops,
    parameter_shares,
)
from matl.backbones.config import OPERATORS
from matl.orchestrator.commit import machine, versions
from matl.orchestrator.memory import peak_memory_mb, reset_peak_memory

PAGE = Path(__file__).parents[1] / "docs" / "results" / "backbones.md"
NETWORKS = (
    "resnet18",
    "resnet26t",
    "resnet50",
    "densenet121",
    "efficientnet_b0",
    "convnext_atto",
)
SIZES = (64, 128, 224)
BATCH = 16
STEPS = 3
HEADER = (
    *("network", "operator", "px", "parameters", "in operators", "GFLOPs"),
    *("fp32 images/s", "bf16 images/s", "bf16 / fp32", "fp32 peak MB"),
)
ABOUT = """# What the backbones cost

```bash
python -m benchmarks.backbones
```

Measured {date} on {device}, {cores} cores, torch {torch}, timm {timm}.
Operators behind strides 16 and 32, one channel, batches of {batch}, channels_last, forward and
backward without an optimizer: the median of {steps} steps after one that is not counted. GFLOPs are
of one image, forward; peak memory is the step's, above what the process held before.

"""


def main() -> None:
    """Measures every network, operator and size, and writes the page."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cases = list(product(NETWORKS, SIZES, OPERATORS))
    rows = [_in_a_process_of_its_own(*case, device) for case in track(cases, "measuring")]
    about = ABOUT.format(
        date=time.strftime("%Y-%m-%d"), batch=BATCH, steps=STEPS, **versions(), **machine(device)
    )
    table = [HEADER, ["---"] * len(HEADER), *rows]
    PAGE.write_text(about + "\n".join(f"| {' | '.join(row)} |" for row in table) + "\n")


def _in_a_process_of_its_own(*case: Any) -> list[str]:
    """So that no memory that an earlier case left is counted, or used again uncounted."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["matl.backbones"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_row, *case).result()


def _row(network: str, size: int, operator: str, device: torch.device) -> list[str]:
    backbone = build_backbone(BackboneConfig(network, operator), seed=0)
    shares, cost = parameter_shares(backbone), flops(backbone, size)
    backbone = backbone.to(device, memory_format=torch.channels_last).train()
    reset_peak_memory()
    before = peak_memory_mb()
    plain = _rate(backbone, size, device, mixed=False)
    peak = peak_memory_mb() - before
    mixed = _rate(backbone, size, device, mixed=True)
    return [
        network,
        operator,
        str(size),
        f"{shares.total:,}",
        f"{shares.share:.1%}",
        f"{cost / 1e9:.3f}",
        f"{plain:.1f}",
        f"{mixed:.1f}",
        f"{mixed / plain:.2f}",
        f"{peak:,.0f}",
    ]


def _rate(backbone: AttentiveBackbone, size: int, device: torch.device, mixed: bool) -> float:
    """Images a second, forward and backward."""
    seconds = list(_steps(backbone, size, device, mixed))
    return BATCH / median(seconds[1:])


def _steps(
    backbone: AttentiveBackbone, size: int, device: torch.device, mixed: bool
) -> Iterator[float]:
    images = torch.rand(BATCH, 1, size, size, device=device).to(memory_format=torch.channels_last)
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            maps = backbone(images)
        maps[max(maps)].float().mean().backward()
        backbone.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        yield time.perf_counter() - start


if __name__ == "__main__":
    main()
