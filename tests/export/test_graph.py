"""The graph that is exported leaves the model as it was."""

import pytest
import torch

import matl
from matl.export.graph import Graph, trace


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_a_model_predicts_the_same_bits_before_and_after_its_export(run_of, operator: str) -> None:
    """Tables that are kept beside a network must not hold an exporter's tensors without values."""
    images = torch.arange(2 * 32 * 32, dtype=torch.uint8).view(2, 1, 32, 32)
    batch = {"image": images, "extent": torch.tensor([[32, 32], [32, 32]])}
    fresh = matl.load_model(run_of(operator))
    trace(fresh)
    after = fresh.scores(batch)
    before = matl.load_model(run_of(operator)).scores(batch)
    trace(fresh)
    assert torch.equal(after, before)
    assert torch.equal(fresh.scores(batch), before)


def test_a_program_takes_any_batch_and_size(run_of) -> None:
    model = matl.load_model(run_of("attention"))
    program = trace(model).module()
    for shape in [(1, 1, 32, 32), (3, 1, 57, 130), (5, 1, 20, 20)]:
        images = torch.randint(0, 256, shape).float()
        with torch.no_grad():
            for one, other in zip(program(images), Graph(model)(images), strict=True):
                assert one.shape == shape[:1]
                torch.testing.assert_close(one, other)
