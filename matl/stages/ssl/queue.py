"""The queue of keys that contrastive methods take their negatives from."""

import torch
from torch import Tensor, nn

EMPTY = -1


class KeyQueue(nn.Module):
    """The last keys of the momentum encoder, with the scans and patients that they came from.

    A ring of plain tensors in registered buffers, so a checkpoint holds it (lightly's memory bank
    is in none, and starts from the global generator). The queue of MoCo
    (https://arxiv.org/abs/1911.05722), which knows whose each key is.

    Attributes:
        keys: float32 [size, width].
        scans: int64 [size], numbers of the scans, -1 where nothing is stored.
        patients: int64 [size], numbers of the patients, -1 where nothing is stored.
        position: int64, the entry that is overwritten next.
    """

    keys: Tensor
    scans: Tensor
    patients: Tensor
    position: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(size, width))
        self.register_buffer("scans", torch.full((size,), EMPTY))
        self.register_buffer("patients", torch.full((size,), EMPTY))
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def push(self, keys: Tensor, scans: Tensor, patients: Tensor) -> None:
        """Store keys over the oldest ones; of a batch longer than the queue, its last.

        Args:
            keys: [B, width].
            scans: int64 [B].
            patients: int64 [B]; an entry whose patient is -1 is stored, but is never a negative.
        """
        size, count = len(self.scans), len(scans)
        if size == 0:
            return
        kept = min(size, count)
        entries = (self.position + torch.arange(count - kept, count, device=keys.device)) % size
        self.keys[entries] = keys[-kept:].to(self.keys.dtype)
        self.scans[entries] = scans[-kept:]
        self.patients[entries] = patients[-kept:]
        self.position.copy_((self.position + count) % size)

    def negatives(self, scans: Tensor, patients: Tensor) -> Tensor:
        """Which entries are negatives of queries of these scans and patients: bool [B, size].

        Never an entry of the same patient or the same scan, nor one that is not filled.
        """
        other = (patients[:, None] != self.patients) & (scans[:, None] != self.scans)
        return other & (self.patients != EMPTY)
