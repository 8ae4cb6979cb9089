"""Which of timm's optimizers can be used, answered without importing timm where that is known."""

from functools import cache
from importlib.metadata import version

from data_modules.errors import did_you_mean, first_line
from matl.backbones.network_table import shipped
from matl.kept import kept


@cache
def optimizer_problem(name: str) -> str | None:
    """What is wrong with an optimizer's name and how to fix it, or None where it can be used.

    Some of timm's optimizers need a package that is not installed, or a second derivative: one
    that is not known to work is tried in a step.
    """
    table = shipped()
    if table and table.optimizers.get(name):
        return None
    release = f"timm {version('timm')}"
    names = list(table.optimizers) if table else kept(f"optimizers, {release}", list_optimizers)
    if name not in names:
        return f"timm has no optimizer '{name}'; {did_you_mean(name, names)}"
    question = f"a step of the optimizer {name}, {release}, torch {version('torch')}"
    try:
        kept(question, lambda: take_step(name))
    except Unusable as problem:  # not kept: what is missing may be installed tomorrow
        return f"'{name}' cannot be used here: {problem}"
    return None


class Unusable(Exception):
    """What went wrong in an optimizer's step."""


def take_step(name: str) -> bool:
    """Takes a step with one of timm's optimizers.

    Returns:
        True.

    Raises:
        Unusable: It takes none.
    """
    import torch
    from timm.optim import create_optimizer_v2

    weight = torch.nn.Parameter(torch.ones(2, 2))
    weight.grad = torch.ones(2, 2)
    try:
        create_optimizer_v2([weight], opt=name, lr=1e-3).step()
    except Exception as error:  # of whatever package the optimizer is from
        raise Unusable(first_line(error)) from error
    return True


def list_optimizers() -> list[str]:
    """The names of timm's optimizers, whether they can be used here or not."""
    from timm import optim

    return optim.list_optimizers()
