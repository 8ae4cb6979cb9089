import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from matl.seeding import derive, draw_by_name, generator, seeded

WORDS = st.lists(st.one_of(st.text(), st.integers()), max_size=4)


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))


def head(extra: bool = False) -> nn.Module:
    layers = {"first": nn.Linear(4, 3), "norm": nn.BatchNorm1d(3), "last": nn.Linear(3, 2)}
    if extra:
        layers = {"before": nn.Linear(5, 5), **layers}
    return nn.ModuleDict(layers)


@given(WORDS)
def test_derive__range_and_repetition(words: list[str | int]) -> None:
    assert 0 <= derive(*words) < 2**63
    assert derive(*words) == derive(*words)


@given(WORDS, WORDS)
def test_derive__other_words_other_seed(words: list[str | int], others: list[str | int]) -> None:
    assert (derive(*words) == derive(*others)) == (words == others)


def test_derive__borders_and_kinds_of_words_count() -> None:
    seeds = {derive("ab", "c"), derive("a", "bc"), derive("abc"), derive("1"), derive(1), derive()}
    assert len(seeds) == 6


def test_derive__stable_across_processes_and_releases() -> None:
    assert derive("views", 0) == 7315842709862723670
    code = "from matl.seeding import derive; print(derive('views', 0))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(printed.stdout) == derive("views", 0)


def test_generator__draws_follow_the_words() -> None:
    draws = [torch.rand(3, generator=generator("a", step)) for step in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_seeded__restores_the_global_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    with seeded("inside"):
        first = torch.rand(4)
    assert torch.equal(torch.rand(4), expected)
    with seeded("inside"):
        assert torch.equal(torch.rand(4), first)


def test_draw_by_name__shared_names_share_weights() -> None:
    torch.manual_seed(1)
    small = head()
    torch.manual_seed(2)
    large = head(extra=True)
    state = torch.get_rng_state()
    draw_by_name(small, 7, "head")
    draw_by_name(large, 7, "head")
    assert torch.equal(torch.get_rng_state(), state)
    shared = small.state_dict()
    assert all(torch.equal(shared[key], large.state_dict()[key]) for key in shared)


@pytest.mark.parametrize(("seed", "prefix"), [(8, "head"), (7, "other")])
def test_draw_by_name__seed_and_prefix_count(seed: int, prefix: str) -> None:
    first, second = head(), head()
    draw_by_name(first, 7, "head")
    draw_by_name(second, seed, prefix)
    assert not torch.equal(first["last"].weight, second["last"].weight)
    assert not torch.equal(first["first"].weight.flatten()[:6], first["last"].weight.flatten())


def test_draw_by_name__refuses_what_it_cannot_draw() -> None:
    with pytest.raises(TypeError, match=r"head\.0 \(Bare\) has no reset_parameters"):
        draw_by_name(nn.Sequential(Bare()), 0, "head")
