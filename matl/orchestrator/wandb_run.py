"""A W&B run that never holds training up: it is spoken to from a thread of its own.

wandb's calls raise where its service process was killed, and wait where the server hangs: the start
of a run for its `init_timeout`, an artifact for two HTTP timeouts, the end of a run for ever.
"""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from data_modules.errors import first_line
from matl.config import LoggerConfig
from matl.errors import MatlError
from matl.orchestrator.wandb_private import (
    forget_imports,
    service_process,
    stop_status_checker,
)

Action = Callable[[Any], object]
NOT_ONLINE = ("offline", "dryrun", "disabled")
INIT_SECONDS, FINISH_SECONDS, GRACE_SECONDS = 30.0, 60.0, 30.0
ANSWER_SECONDS, HURRY_SECONDS, LEAVE_SECONDS = 10, 10, 2

NAMELESS = {
    "host": "none",
    "program": "matl",
    "x_executable": "python",
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
}
"""Settings that keep the machine's and the user's names, folders and packages out of the record."""


class SafeRun:
    """A run whose actions a thread does in their order, and does again offline where one fails.

    Every action is kept. Where one fails, or comes to no end, the same run is opened offline and
    gets all of them again, so that nothing is lost; what was uploaded before is then there twice,
    at the same steps. Where that fails too, W&B is left alone.

    W&B's own `WANDB_INIT_TIMEOUT` and `WANDB_FINISH_TIMEOUT` replace the times that are waited for
    it: 30 s at the start, while training continues, and 60 s at the end.

    Args:
        console: where it is said, once each, that something failed.
        offline: nothing is uploaded.
        complete: the run is over when this one is; False where others continue it.
        opening: further arguments of `wandb.init`.
    """

    def __init__(
        self, console: Console, *, offline: bool, complete: bool = True, **opening: Any
    ) -> None:
        self._console, self._offline = console, offline
        self._finish_seconds = _seconds("WANDB_FINISH_TIMEOUT", FINISH_SECONDS)
        self._settings = {
            "console": "off",
            "silent": True,
            "init_timeout": _seconds("WANDB_INIT_TIMEOUT", INIT_SECONDS),
            "finish_timeout": self._finish_seconds,
            "finish_timeout_raises": True,
            "x_update_finish_state": complete,
            **NAMELESS,
        }
        self._opening = {**opening, "resume": "allow", "reinit": "create_new"}
        self._actions: list[Action] = []
        self._complete = False
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._attempt = 0
        self._run: Any = None
        import_module("wandb")  # here, and not in the thread, which would race with other imports
        self._begin()

    def add(self, action: Action) -> None:
        """Does something with the run, soon; returns at once."""
        with self._changed:
            self._actions.append(action)
            self._changed.notify_all()

    def finish(self, exit_code: int = 0, *, hurry: bool = False) -> None:
        """Ends the run; waits until W&B has it, or it lies on the disk, or time is up.

        Args:
            exit_code: 0 where all went well.
            hurry: the process is to end soon; what W&B does not take at once is not sent again.
        """
        with self._changed:
            self._actions.append(lambda run: run.finish(exit_code))
            self._complete = True
            self._changed.notify_all()
        if hurry:
            if not self._over.wait(HURRY_SECONDS):
                leave_service(self._run)
            return
        patience = self._finish_seconds + GRACE_SECONDS
        while not self._over.wait(patience):
            self._fall_back(self._attempt, TimeoutError(f"no answer for {patience:.0f} s"))

    def _begin(self) -> None:
        attempt = self._attempt
        threading.Thread(target=self._talk, args=(attempt,), daemon=True, name="W&B").start()

    def _talk(self, attempt: int) -> None:
        mode: Literal["offline"] | None = "offline" if self._offline or attempt else None
        try:
            import wandb

            _session()
            settings = wandb.Settings(**self._settings)
            try:
                run = self._run = wandb.init(**self._opening, mode=mode, settings=settings)
            finally:
                forget_imports()
            if not run.offline:
                self._say(run.url)
            for action in self._actions_of(attempt):
                action(run)
        except Exception as error:  # whatever it is, training continues
            self._fall_back(attempt, error)

    def _actions_of(self, attempt: int) -> Iterator[Action]:
        """The actions as they come, until the run is complete or a later attempt takes over."""
        for place in itertools.count():
            with self._changed:
                while len(self._actions) == place and not self._complete:
                    self._changed.wait()
                if attempt != self._attempt:
                    return
                if len(self._actions) == place:
                    self._over.set()
                    return
            yield self._actions[place]

    def _fall_back(self, attempt: int, error: Exception) -> None:
        with self._changed:
            if attempt != self._attempt:
                return
            self._attempt += 1
        what = first_line(error).rstrip(".")
        if attempt == 0:
            self._say(f"{what}; the record continues offline")
            leave_service(self._run)
            self._begin()
        else:
            self._say(f"{what}; nothing more is recorded there")
            self._over.set()

    def _say(self, line: str) -> None:
        self._console.print(Text(f"W&B: {line}"), soft_wrap=True)


def refuse_wrong_key(settings: LoggerConfig) -> None:
    """Finds a missing or wrong API key before anything is trained; a silent server is no mistake.

    Raises:
        MatlError: nobody is logged in, or the server does not know the key.
    """
    if settings.wandb != "online" or os.environ.get("WANDB_MODE") in NOT_ONLINE:
        return
    import wandb

    wrong: object = None
    try:
        if _session().settings.mode in NOT_ONLINE:
            return
        if wandb.login(prompt=False, verify=False):
            wandb.Api(timeout=ANSWER_SECONDS)
        else:
            wrong = "nobody is logged in"
    except wandb.errors.AuthenticationError as error:
        answer = getattr(error.__cause__, "response", error)
        wrong = None if answer is None else error
    except Exception:  # without its service nothing is known; training continues
        return
    if wrong:
        raise MatlError(f"logger.wandb: {wrong}; run wandb login, or set offline")


def _session() -> Any:
    """wandb, made ready: it says nothing, as its lines would tear the progress bars.

    Its reports of its own errors are off: a hanging server holds the end of a process up by them.
    """
    import wandb

    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    return wandb.setup(wandb.Settings(silent=True))


def leave_service(run: Any = None) -> None:
    """Ends wandb's service process, whatever its state; the next run starts a new one.

    Nothing public ends a service that does not answer: it would outlive this process, and hold its
    standard output open. So it is killed, after the thread in which a run asks it for its state.
    """
    with suppress(Exception):
        stop_status_checker(run)
    process = service_process()
    if process is not None:
        process.kill()
        process.wait()
    thread = threading.Thread(target=_teardown, daemon=True)
    thread.start()
    thread.join(LEAVE_SECONDS)
    os.environ.pop("WANDB_SERVICE", None)


def _teardown() -> None:
    import wandb

    with suppress(Exception, SystemExit):
        wandb.teardown()


def _seconds(variable: str, default: float) -> float:
    return float(os.environ.get(variable) or default)
