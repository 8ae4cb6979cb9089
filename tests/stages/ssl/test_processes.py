"""Two processes learn what one does from the joined batch, and keep the same queues and centres."""

import pytest
import torch
from methods import OWN_FILE, Later, build, move_teacher, show_these_views, two_views
from torch import Tensor

NETWORK = "test_convnext"
"""It has no batch norm; that of the heads is in evaluation mode."""
BATCH = 8


def third_step(name: str, part: slice) -> dict[str, Tensor]:
    """Loss, gradients and buffers of a step on a part of its batch, behind two others."""
    stage = show_these_views(build(name, network=NETWORK, kind=Later))
    move_teacher(stage)
    for seed in (4, 5, 6):
        batch = {key: values[part] for key, values in two_views(BATCH, seed).items()}
        stage.zero_grad()
        loss = stage.loss(batch | {"index": batch["index"] + 100 * seed})
        loss.backward()
    gradients = {
        f"gradient/{key}": parameter.grad
        for key, parameter in stage.named_parameters()
        if parameter.grad is not None
    }
    trained = dict(stage.heads.named_parameters())
    kept = {
        f"buffer/{key}": value
        for key, value in stage.heads.state_dict().items()
        if key not in trained
    }
    return {"loss": loss.detach()} | gradients | kept


def rank_of_two(rank: int, folder: str) -> None:
    """Takes the steps of all methods on half of each batch, and writes what came of them."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    half = slice(rank * BATCH // 2, (rank + 1) * BATCH // 2)
    torch.save({name: third_step(name, half) for name in OWN_FILE}, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("two")
    torch.multiprocessing.spawn(rank_of_two, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN_FILE)
def test_two_processes_learn_as_one(
    name: str, two_processes: list[dict[str, dict[str, Tensor]]]
) -> None:
    first, second = (process[name] for process in two_processes)
    expected = third_step(name, slice(None))
    assert set(first) == set(second) == set(expected)
    assert any(key.startswith("gradient/backbone") and one.any() for key, one in expected.items())
    for key, value in expected.items():
        if key.startswith("buffer/"):
            assert torch.equal(first[key], second[key]), key
        mean = (first[key] + second[key]) / 2
        torch.testing.assert_close(mean.to(value.dtype), value, rtol=1e-4, atol=1e-6)
