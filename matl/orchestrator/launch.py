"""Starts the processes of a stage, and says which one ended, and how."""

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import LaunchConfig, elastic_launch

from data_modules.errors import DataError
from matl.errors import MatlError, OutOfMemory, ProcessEnded, ProcessKilled
from matl.orchestrator.checkpoints import go_on
from matl.orchestrator.job import Job
from matl.orchestrator.nodes import ALONE, Nodes
from matl.preemption import REQUEUE, SIGNALS, Preempted, handlers_kept
from matl.terminal import terminal

LAST_LINES = 12
FIRST_PORT, PORTS = 25_000, 7_000
"""Below the ports that a system gives out by itself."""
MISTAKES = {mistake.__name__: mistake for mistake in (MatlError, OutOfMemory, DataError)}


def launch(entry: Callable[[Job], None], job: Job, nodes: Nodes = ALONE) -> None:
    """Calls a function in each process of a stage's own group; on several nodes each calls this.

    A group that ended by no mistake is started again, up to `max_restarts` times. Each time is a
    launch of its own: torch's agent would keep its store, and so the ended group's addresses.

    Raises:
        MatlError: a process met a mistake of the user's, or was killed; the others are stopped.
        Preempted: the machine is to be given back; a checkpoint was saved.
        ProcessEnded: a process ended otherwise.
    """
    for left in reversed(range(job.resources.max_restarts + 1)):
        try:
            return _launch_once(entry, go_on(job, nodes), nodes)
        except (ProcessEnded, ProcessKilled) as error:
            if not left:
                raise
            line = str(error).partition(". ")[0]
            terminal().print(f"  {line}; the group is started again", soft_wrap=True, markup=False)


def _launch_once(entry: Callable[[Job], None], job: Job, nodes: Nodes) -> None:
    for name in ("", ".agent.server.api"):  # what it logs is said below, in a line
        logging.getLogger(f"torch.distributed.elastic{name}").setLevel(logging.CRITICAL)
    with TemporaryDirectory(prefix="matl-") as logs:
        try:
            with handlers_kept():  # the launcher's raise, here and behind it
                elastic_launch(_launch_config(job, nodes, logs), entry)(job)
        except SignalException as error:  # the processes had 30 s to save a checkpoint
            ended = KeyboardInterrupt() if error.sigval == signal.SIGINT else Preempted(REQUEUE)
            raise ended from None
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            if failure.exitcode in (REQUEUE, *(-one for one in SIGNALS)):
                raise Preempted(REQUEUE) from None
            lines = _last_lines(Path(logs), failure)
            raise _told(f"stages.{job.stage.name}: process {rank}", failure, lines) from error


def stage_port(fingerprint: str) -> int:
    """The port of node 0 at which the processes of a stage meet."""
    return FIRST_PORT + int(fingerprint, 16) % PORTS


def _launch_config(job: Job, nodes: Nodes, logs: str) -> LaunchConfig:
    meeting: dict[str, Any] = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"}
    if nodes.count > 1:
        # static keeps the nodes' order, so that process 0 is on node 0
        endpoint = f"{nodes.address}:{stage_port(job.stage.fingerprint)}"
        meeting = {
            "rdzv_backend": "static",
            "rdzv_endpoint": endpoint,
            "rdzv_configs": {"rank": nodes.rank},
        }
    return LaunchConfig(
        min_nodes=nodes.count,
        max_nodes=nodes.count,
        nproc_per_node=job.resources.processes_a_node,
        run_id=job.stage.fingerprint,
        max_restarts=0,
        start_method="spawn",
        logs_specs=DefaultLogsSpecs(logs, tee=Std.ERR),
        log_line_prefix_template="[process ${rank}] ",
        **meeting,
    )


def _told(who: str, failure: ProcessFailure, lines: list[str]) -> Exception:
    """The error of a process that ended: of a mistake and of a kill, what to do."""
    said: Any = failure.message
    last = "\n  ".join(["Its last lines:", *lines[-LAST_LINES:]]) if lines else "It said nothing."
    if isinstance(said, dict):
        name, _, line = said["message"].strip().partition(": ")
        if name in MISTAKES:
            return MISTAKES[name](f"{who} ended: {line}")
        how = "failed"
        stack = [*lines, *said["extraInfo"]["py_callstack"].strip().splitlines()]
        last = "\n  ".join(["Its last lines:", *stack[-LAST_LINES:]])
    elif failure.exitcode == -signal.SIGKILL:
        return ProcessKilled(
            f"{who} ended: it was killed (SIGKILL), as a system does where memory runs out; set a "
            "smaller batch_size, or type the same command to go on from the last checkpoint. "
            f"{last}"
        )
    elif failure.exitcode < 0:
        how = f"was ended by {failure.signal_name()}"
    else:
        how = f"ended with exit code {failure.exitcode}"
    return ProcessEnded(
        f"{who} {how}. The others were stopped, finished stages are kept, and the same command "
        f"goes on from the last checkpoint. {last}"
    )


def _last_lines(logs: Path, failure: ProcessFailure) -> list[str]:
    """What a process wrote to standard error."""
    last = next(logs.glob(f"*/attempt_*/{failure.local_rank}/stderr.log"), None)
    return [] if last is None else last.read_text(errors="replace").strip().splitlines()
