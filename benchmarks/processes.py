"""What a group of processes costs: two on the same cores over one."""

from pathlib import Path
from statistics import median

from benchmarks.stack import TASKS, demo_job, images_a_second
from matl.orchestrator.fit import train
from matl.orchestrator.resources import available_cores

REPEATS = 2


def two_over_one(task: str, folder: Path) -> dict[str, float]:
    """Images a second of a demo stage in two processes and in one, which share the same cores."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for repeat in range(REPEATS):
        for processes in (1, 2) if repeat % 2 else (2, 1):
            threads = max(available_cores() // processes, 1)
            words = (f"trainer.devices={processes}", f"trainer.threads={threads}")
            job = demo_job(TASKS[task], folder, f"{processes}-processes-{repeat}", *words)
            train(job)
            rates[processes].append(images_a_second(job))
    one, two = median(rates[1]), median(rates[2])
    return {"one": one, "two": two, "ratio": two / one}
