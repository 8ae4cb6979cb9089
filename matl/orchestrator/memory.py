"""The peak memory of a stage, as the system or the GPU counts it."""

import sys
from contextlib import suppress
from pathlib import Path

import torch

KIBIBYTE_MB = 1.024e-3


def reset_peak_memory() -> None:
    """Starts a new measurement of the peak memory, where the system can."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """Largest memory since `reset_peak_memory`, in 10^6 bytes: of the GPU, else of the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text().splitlines()
        peaks = [float(line.split()[1]) for line in lines if line.startswith("VmHWM")]
        if peaks:
            return peaks[0] * KIBIBYTE_MB
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * KIBIBYTE_MB
