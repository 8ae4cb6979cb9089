"""Starts the processes of a stage, and says which one ended, and how."""

import logging
import os
import signal
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, MultiprocessContext, Std
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import LaunchConfig, elastic_launch

from data_modules.errors import DataError
from matl.errors import Collapsed, MatlError, OutOfMemory, ProcessEnded, ProcessKilled
from matl.orchestrator.checkpoints import go_on
from matl.orchestrator.job import Job
from matl.orchestrator.nodes import ALONE, Nodes
from matl.orchestrator.process_group import process_environments
from matl.preemption import REQUEUE, SIGNALS, Preempted, handlers_kept
from matl.terminal import terminal

LAST_LINES = 12
LAUNCHER_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
)
"""What torch's launcher heeds; what is ignored, as SIGHUP under nohup, stays so."""
POLL_SECONDS = 0.1
FIRST_PORT, PORTS = 25_000, 7_000
"""Below the ports that a system gives out by itself."""
Failed = tuple[int, ProcessFailure]
"""The rank of a process, and how it failed."""
MISTAKES = {mistake.__name__: mistake for mistake in (MatlError, Collapsed, OutOfMemory, DataError)}


def launch(entry: Callable[[Job], None], job: Job, nodes: Nodes = ALONE) -> None:
    """Calls a function in each process of a stage's own group; on several nodes each calls this.

    A group that ended by no mistake is restarted, up to `max_restarts` times. Each time is a launch
    of its own: a store that is kept would hold the ended group's addresses.

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
            terminal().print(f"  {line}; the group is restarted", soft_wrap=True, markup=False)


def _launch_once(entry: Callable[[Job], None], job: Job, nodes: Nodes) -> None:
    for name in ("", ".agent.server.api"):  # what it logs is said below, in a line
        logging.getLogger(f"torch.distributed.elastic{name}").setLevel(logging.CRITICAL)
    heeded = [one for one in LAUNCHER_SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    os.environ["TORCHELASTIC_SIGNALS_TO_HANDLE"] = ",".join(one.name for one in heeded)
    with TemporaryDirectory(prefix="matl-") as folder:
        try:
            with handlers_kept():  # the launcher's raise, here and behind it
                if nodes.count == 1:
                    failed = _run_here(entry, job, Path(folder))
                else:
                    failed = _run_on_nodes(entry, job, nodes, folder)
        except SignalException as error:  # the processes had 30 s to save a checkpoint
            ended = KeyboardInterrupt() if error.sigval == signal.SIGINT else Preempted(REQUEUE)
            raise ended from None
        if failed is not None:
            rank, failure = failed
            if failure.exitcode in (REQUEUE, *(-one for one in SIGNALS)):
                raise Preempted(REQUEUE)
            lines = _last_lines(Path(folder), failure)
            raise _error_of(f"stages.{job.stage.name}: process {rank}", failure, lines)


def _run_here(entry: Callable[[Job], None], job: Job, folder: Path) -> Failed | None:
    """Runs the group on this machine, without torch's agent, whose store anybody could reach.

    Args:
        entry: What each process calls.
        job: Its argument.
        folder: Where the processes find each other, and of their logs.

    Returns:
        The first process that failed.
    """
    count = job.resources.processes
    context = MultiprocessContext(
        "process",
        entry,
        args=dict.fromkeys(range(count), (job,)),
        envs=process_environments(folder, count),
        start_method="spawn",
        logs_specs=DefaultLogsSpecs(str(folder), tee=Std.ERR),
        log_line_prefixes={rank: f"[process {rank}] " for rank in range(count)},
    )
    others = set(active_children())
    try:
        context.start()
        result = context.wait(period=POLL_SECONDS)
    except SignalException as error:
        context.close(signal.SIGINT if error.sigval == signal.SIGINT else signal.SIGTERM)
        raise
    finally:
        context.close()
        for child in set(active_children()) - others:  # the signal came while they were started
            child.kill()
    return next(iter(result.failures.items()), None) if result else None


def _run_on_nodes(entry: Callable[[Job], None], job: Job, nodes: Nodes, logs: str) -> Failed | None:
    """Runs this node's part of the group; the first process that failed."""
    try:
        elastic_launch(_launch_config(job, nodes, logs), entry)(job)
    except ChildFailedError as error:
        return error.get_first_failure()
    return None


def stage_port(fingerprint: str) -> int:
    """The port of node 0 at which the processes of a stage meet."""
    return FIRST_PORT + int(fingerprint, 16) % PORTS


def _launch_config(job: Job, nodes: Nodes, logs: str) -> LaunchConfig:
    return LaunchConfig(
        min_nodes=nodes.count,
        max_nodes=nodes.count,
        nproc_per_node=job.resources.processes_a_node,
        run_id=job.stage.fingerprint,
        rdzv_backend="static",  # keeps the nodes' order, so that process 0 is on node 0
        rdzv_endpoint=f"{nodes.address}:{stage_port(job.stage.fingerprint)}",
        rdzv_configs={"rank": nodes.rank},
        max_restarts=0,
        start_method="spawn",
        logs_specs=DefaultLogsSpecs(logs, tee=Std.ERR),
        log_line_prefix_template="[process ${rank}] ",
    )


def _error_of(who: str, failure: ProcessFailure, lines: list[str]) -> Exception:
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
            "smaller batch_size, or type the same command to resume from the last checkpoint. "
            f"{last}"
        )
    elif failure.exitcode < 0:
        how = f"was ended by {failure.signal_name()}"
    else:
        how = f"ended with exit code {failure.exitcode}"
    return ProcessEnded(
        f"{who} {how}. The others were stopped, finished stages are kept, and the same command "
        f"resumes from the last checkpoint. {last}"
    )


def _last_lines(logs: Path, failure: ProcessFailure) -> list[str]:
    """What a process wrote to standard error."""
    last = next(logs.glob(f"*/attempt_*/{failure.local_rank}/stderr.log"), None)
    return [] if last is None else last.read_text(errors="replace").strip().splitlines()
