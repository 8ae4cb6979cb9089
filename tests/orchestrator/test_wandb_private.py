"""W&B's private names are still there: an upgrade that takes one away fails here."""

from pathlib import Path

import pytest
import wandb

from matl.orchestrator import wandb_private


def test_service_process__is_that_of_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wandb_session: None
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = wandb.init(dir=tmp_path, project="private", settings=wandb.Settings(silent=True))
    try:
        process = wandb_private.service_process()
        assert process is not None
        assert process.poll() is None
        wandb_private.stop_status_checker(run)
        artifact = wandb.Artifact("weights", type="model")
        wandb_private.log_used_artifact(run, artifact)
    finally:
        run.finish()
