"""What W&B offers no public way to do: each private name of its stands in one function here."""

from subprocess import Popen
from typing import Any


def service_process() -> "Popen[bytes] | None":
    """W&B's service process that this process started; None where there is none."""
    from wandb.sdk import wandb_setup

    connection = getattr(wandb_setup.singleton(), "_connection", None)
    return getattr(getattr(connection, "_proc", None), "_process", None)


def stop_status_checker(run: Any) -> None:
    """Ends the thread in which a run asks the service for its state; an offline run has none."""
    if (checker := run._run_status_checker) is not None:
        checker.stop()


def forget_imports() -> None:
    """Ends what W&B does at the first import of many libraries, in whatever thread imports them.

    It tells its service their names, and where the service is dead, the import fails.
    """
    from wandb.sdk.lib.import_hooks import unregister_all_post_import_hooks

    unregister_all_post_import_hooks()


def log_used_artifact(run: Any, artifact: Any) -> None:
    """Logs an artifact, if W&B does not have it yet, and notes that the run begins from it.

    `run.use_artifact` would wait for the server, and refuses to work offline.
    """
    run._log_artifact(artifact, is_user_created=True, use_after_commit=True)
