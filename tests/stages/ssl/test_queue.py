"""The queue: a ring of the last keys that never offers a patient his own."""

from collections import deque

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matl.stages.ssl.queue import KeyQueue

PATIENTS = st.integers(0, 5)
BATCHES = st.lists(st.lists(PATIENTS, min_size=1, max_size=9), max_size=6)


def push_all(queue: KeyQueue, batches: list[list[int]]) -> list[tuple[int, int]]:
    """Pushes keys whose value is the number of the scan; returns all (scan, patient)."""
    scan, history = 0, []
    for batch in batches:
        scans = torch.arange(scan, scan + len(batch))
        queue.push(scans[:, None].repeat(1, 3).float(), scans, torch.tensor(batch))
        history += zip(scans.tolist(), batch, strict=True)
        scan += len(batch)
    return history


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 8), batches=BATCHES)
def test_it_holds_the_last_keys_with_their_owners(size, batches):
    queue = KeyQueue(size, width=3)
    history = push_all(queue, batches)
    filled = queue.patients >= 0
    held = zip(queue.scans[filled].tolist(), queue.patients[filled].tolist(), strict=True)
    assert sorted(held) == sorted(deque(history, maxlen=size))
    assert torch.equal(queue.keys[filled], queue.scans[filled, None].repeat(1, 3).float())


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 8), batches=BATCHES, parts=st.integers(1, 3))
def test_one_large_push_equals_several_small_ones(size, batches, parts):
    whole, pieces = KeyQueue(size, width=3), KeyQueue(size, width=3)
    push_all(whole, batches)
    push_all(pieces, [b[i : i + parts] for b in batches for i in range(0, len(b), parts)])
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, pieces.state_dict()[name])


@settings(max_examples=100, deadline=None)
@given(
    size=st.integers(1, 8),
    batches=BATCHES,
    queries=st.lists(st.tuples(st.integers(0, 40), PATIENTS), min_size=1, max_size=5),
)
def test_no_query_meets_its_own_patient_or_scan_or_an_unfilled_entry(size, batches, queries):
    queue = KeyQueue(size, width=3)
    push_all(queue, batches)
    scans, patients = (torch.tensor(column) for column in zip(*queries, strict=True))
    negatives = queue.negatives(scans, patients)
    for query, (scan, patient) in enumerate(queries):
        for entry in range(size):
            owner = queue.patients[entry].item()
            other = owner not in (-1, patient) and queue.scans[entry].item() != scan
            assert negatives[query, entry].item() == other


def test_an_entry_without_a_patient_is_no_negative():
    queue = KeyQueue(2, width=3)
    queue.push(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([-1, 7]))
    assert queue.negatives(torch.tensor([5]), torch.tensor([6])).tolist() == [[False, True]]


def test_a_queue_of_size_zero_takes_keys_and_gives_none():
    queue = KeyQueue(0, width=3)
    queue.push(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
    assert queue.negatives(torch.tensor([2]), torch.tensor([2])).shape == (1, 0)


def test_a_checkpoint_holds_it(tmp_path):
    queue, restored = KeyQueue(5, width=3), KeyQueue(5, width=3)
    push_all(queue, [[0, 1, 2], [3, 4, 5, 0]])
    torch.save(queue.state_dict(), tmp_path / "queue.pt")
    restored.load_state_dict(torch.load(tmp_path / "queue.pt", weights_only=True))
    for held in (queue, restored):
        held.push(torch.ones(2, 3), torch.tensor([90, 91]), torch.tensor([8, 9]))
    assert torch.equal(queue.scans, restored.scans)
    assert torch.equal(queue.position, restored.position)
