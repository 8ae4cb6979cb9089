"""Random numbers that depend on names only, never on what was drawn before.

`derive` needs no torch, so torch is imported where numbers are drawn.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def derive(*words: str | int) -> int:
    """Hashes words to a seed that is the same in every process and on every platform.

    Args:
        words:
            What the randomness is for, as in `derive(seed, "views", epoch, step)`. The text "1" and
            the number 1 are different words, and ("ab", "c") differs from ("a", "bc").

    Returns:
        A seed in [0, 2**63).
    """
    digest = hashlib.sha256()
    for word in words:
        kind = "s" if isinstance(word, str) else "i"
        text = str(word if isinstance(word, str) else int(word)).encode()
        digest.update(f"{kind}{len(text)}:".encode() + text)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def generator(*words: str | int, device: "str | torch.device" = "cpu") -> "torch.Generator":
    """A fresh generator on `device`, seeded by `derive(*words)`."""
    import torch

    return torch.Generator(device=device).manual_seed(derive(*words))


@contextmanager
def seeded(*words: str | int) -> Iterator[None]:
    """Runs a block under torch's CPU random state of `derive(*words)`, then restores the state.

    For code that draws from the global state by itself, such as the constructors of other
    libraries. The state of accelerators is neither used nor changed.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(*words))
        yield


def draw_by_name(module: "nn.Module", seed: int, prefix: str) -> None:
    """Draws a module's initial weights again, each submodule under a seed of its own name.

    A submodule is reset (`reset_parameters`, which all of torch's layers have) under the seed
    `derive(seed, prefix + "." + name)`. Two models that share a name so share its initial weights,
    whatever else they hold. The global random state is untouched.

    Args:
        module: Changed in place; on the CPU.
        seed: The seed of the stage.
        prefix: The module's own name, as in "head" or "operators.16".

    Raises:
        TypeError: A submodule holds parameters of its own and has no `reset_parameters`. (Modules
            that weight normalisation re-parametrises have one that does not reach their weights:
            build these under `seeded` instead.)
    """
    for name, submodule in module.named_modules(prefix=prefix):
        reset = getattr(submodule, "reset_parameters", None)
        if callable(reset):
            with seeded(seed, name):
                reset()
        elif next(submodule.parameters(recurse=False), None) is not None:
            raise TypeError(f"{name} ({type(submodule).__name__}) has no reset_parameters")
