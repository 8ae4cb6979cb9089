"""What the fuzz tests damage, made once: images, a finished run and a finished ablation."""

import json
from pathlib import Path

import pytest
from drawn_images import draw
from fuzzed import Place
from tiny import write_tiny
from tiny_ablation import ABLATION, small

from matl.names import ABOUT

SCANS = """
name: scans
backbone: {name: resnet10t, operator: none}
stages:
  diagnosis:
    part: 3
    task: diagnosis
    data: {name: folder, root: scans, positive: covid}
    size: 32
    epochs: 1
    batch_size: 4
chain: [diagnosis]
trainer: {accelerator: cpu, threads: 1, precision: 32-true}
"""


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Images in folders of their splits and classes, and `scans.yaml` on them."""
    folder = tmp_path_factory.mktemp("scans")
    for split, images in (("train", 8), ("val", 4), ("test", 4)):
        for kind in ("covid", "other"):
            draw(folder, *(f"scans/{split}/{kind}/{number}.png" for number in range(images)))
    (folder / "scans.yaml").write_text(SCANS)
    return Place(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, phantom_root: Path) -> Place:
    """The tiny experiment and its ablation, trained, explained and evaluated."""
    place = Place(tmp_path_factory.mktemp("finished"))
    file = write_tiny(place.folder, phantom_root)
    (place.folder / "ablation.yaml").write_text(small(ABLATION))
    place.must("run", file)
    (run,) = place.folder.glob("runs/tiny-*[0-9a-f]")
    run.rename(place.folder / "runs" / "run")
    place.must("explain", "runs/run")
    draw(
        place.folder, *(f"other/test/{kind}/{n}.png" for kind in ("covid", "well") for n in (1, 2))
    )
    place.must("evaluate", "runs/run", "--data", "folder:other", "--positive", "covid")
    place.must("ablate", "ablation.yaml")
    left = place.folder / "store" / "unfinished" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / ABOUT).write_text(json.dumps({"experiment": "tiny", "stage": "lung"}))
    return place
