"""Several machines train one stage; here they are processes or threads of this one."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import REPOSITORY
from pytorch_lightning.plugins.environments import TorchElasticEnvironment
from tiny import Load
from torch.distributed import HashStore

from matl.config import TrainerConfig
from matl.errors import MatlError, ProcessEnded
from matl.orchestrator import nodes
from matl.orchestrator.nodes import ALONE, Nodes, join_nodes
from matl.orchestrator.plan import make_plan
from matl.orchestrator.shared_plan import share_plan
from matl.orchestrator.store import Store

PAGE = (REPOSITORY / "docs" / "devices.md").read_text().replace("\\\n", "")
TORCHRUN = re.search(r"(?m)^torchrun (.*--no-python) +(matl run .*)$", PAGE)
TORCHRUN_OF_TWO = {"GROUP_WORLD_SIZE": "2", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none"}


@pytest.mark.parametrize(
    ("nodes", "variables", "said"),
    [
        (2, {}, r"trainer\.nodes: 2, but neither torchrun nor srun started it"),
        (1, TORCHRUN_OF_TWO, r"trainer\.nodes: 1, but torchrun started 2"),
        (2, TORCHRUN_OF_TWO | {"WORLD_SIZE": "16"}, r"torchrun started 16 processes on 2 nodes"),
        (
            4,
            {"SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_NUM_TASKS": "2"},
            r"trainer\.nodes: 4, but srun started 2",
        ),
    ],
)
def test_a_launcher_that_says_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, nodes: int, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MatlError, match=said):
        join_nodes(TrainerConfig(nodes=nodes))


def test_one_machine_has_nobody_to_ask() -> None:
    assert join_nodes(TrainerConfig()) is ALONE
    with ALONE.together("anything"):
        ALONE.tell("anything", "")


def test_what_fails_on_one_node_fails_on_all_for_its_reason() -> None:
    line = HashStore()

    def step(rank: int) -> str:
        try:
            with Nodes(rank, 3, "localhost", line).together("step"):
                if rank == 1:
                    raise MatlError("the disk is full\nand more")
        except MatlError as error:
            return str(error)
        return "went well"

    with ThreadPoolExecutor(3) as pool:
        ends = [*pool.map(step, range(3))]
    assert ends == ["node 1: the disk is full", "the disk is full\nand more", ends[0]]


def test_a_node_that_falls_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(nodes, "BEAT_SECONDS", 0.1)
    line = HashStore()
    lives = [nodes.keep_beating(line, rank) for rank in range(3)]
    first, second, _ = (Nodes(rank, 3, "localhost", line) for rank in range(3))
    lives[2].set()
    with pytest.raises(MatlError, match="node 2 has ended"), first.together("step"):
        pass
    lives[0].set()
    with pytest.raises(MatlError, match="node 0 has ended"):
        second.hear("plan")
    lives[1].set()


def test_a_node_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SILENCE_SECONDS", 0.1)
    line = HashStore()
    threading.Timer(1.0, line.set, ("plan", "chain")).start()
    assert Nodes(1, 2, "localhost", line).hear("plan") == "chain"


A_NODE = """
import os, signal, sys
from matl.config import TrainerConfig
from matl.errors import MatlError, ProcessEnded
from matl.orchestrator import nodes

nodes.SILENCE_SECONDS, rank = 5.0, os.environ["RANK"]
try:
    with nodes.join_nodes(TrainerConfig(nodes=2)).together("decoding"):
        if rank == "1":
            os.kill(os.getpid(), signal.SIGKILL)
except MatlError as error:
    sys.exit(str(error))
"""


@pytest.mark.slow
def test_a_node_that_was_killed_outside_training_ends_the_first() -> None:
    place = TORCHRUN_OF_TWO | {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port())}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", A_NODE],
            env=os.environ | place | {"RANK": rank, "GROUP_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    (_, said), _ = [one.communicate(timeout=60) for one in started]
    assert [one.returncode for one in started] == [1, -signal.SIGKILL]
    assert said == "node 1 has ended; what it printed says why\n"


def test_a_mistake_is_said_where_it_was_made_though_another_node_failed_of_it_before() -> None:
    line = HashStore()

    def ends(rank: int, failure: Exception) -> str:
        try:
            with Nodes(rank, 2, "localhost", line).together("step"):
                raise failure
        except (MatlError, ProcessEnded) as error:
            return str(error)

    line.compare_set("step/failure", "", "1 process 1 failed")
    with ThreadPoolExecutor(2) as pool:
        failures = (MatlError("no space left"), ProcessEnded("process 1 failed"))
        assert [*pool.map(ends, (0, 1), failures)] == ["no space left", "process 1 failed"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("seed=0", None),
        (
            "trainer.precision=bf16-mixed",
            r"planned otherwise than on node 0: trainer\.precision \(32-true -> bf16-mixed\)",
        ),
        ("chain=[diagnosis]", r"chain: 1 stages are planned here, and 3 on node 0"),
    ],
)
def test_nodes_that_plan_otherwise_are_refused(
    load_tiny: Load, tmp_path: Path, setting: str, said: str | None
) -> None:
    line, store = HashStore(), Store(tmp_path / "store")
    plans = [make_plan(load_tiny()), make_plan(load_tiny(setting))]

    def share(rank: int) -> str:
        try:
            share_plan(plans[rank], store, Nodes(rank, 2, "localhost", line))
        except MatlError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        for end in pool.map(share, range(2)):
            assert re.search(said, end) if said else not end
    assert not list(store.unfinished_folder.glob("plan-*"))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return one.getsockname()[1]


def torchrun(rank: int, port: int) -> tuple[list[str], dict[str, str]]:
    """The documented command, with this machine as both nodes."""
    options = TORCHRUN[1].replace("--node-rank=0", f"--node-rank={rank}")
    options = options.replace("=node0", "=localhost").replace("29400", str(port))
    return [sys.executable, "-m", "torch.distributed.run", *shlex.split(options)], {}


def srun(rank: int, port: int) -> tuple[list[str], dict[str, str]]:
    """What srun tells a task; there is no Slurm here."""
    counts = ("STEP_NUM_NODES", "STEP_NUM_TASKS", "NTASKS", "NNODES")
    told = {f"SLURM_{name}": "2" for name in counts} | {
        "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_NODEID": str(rank),
        "SLURM_PROCID": str(rank),
        "SLURM_LOCALID": "0",
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NAME": "lungs",
        "SLURM_NODELIST": "localhost",
    }
    return [], told | {"MASTER_PORT": str(port)}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [torchrun, srun])
def test_two_nodes_train_a_chain(tiny_file: Path, launcher) -> None:
    command = shlex.split(TORCHRUN[2])
    assert command[:2] == ["matl", "run"]
    words = [word for word in command[3:] if word != "trainer.devices=8"]
    own = [sys.executable, "-m", "matl.cli", "run", str(tiny_file), *words, "trainer.devices=1"]
    port = free_port()
    agents = []
    for rank in range(2):
        start, variables = launcher(rank, port)
        agents.append(
            subprocess.Popen(
                [*start, *own, "chain=[lung,diagnosis]"],
                env=os.environ | variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    (shown, errors), (followed, _) = [agent.communicate() for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], errors
    assert "Report: " in shown
    assert followed == ""
    store = Store(tiny_file.parent / "store")
    identities = [store.manifest(entry).identity for entry in store]
    assert [identity["trainer"]["processes"] for identity in identities] == [2, 2]
    assert len(json.loads(next(tiny_file.parent.glob("runs/*/metrics.json")).read_text())) > 0


@pytest.mark.parametrize("launched", [True, False])
def test_torchrun_is_recognised_as_torch_does(
    launched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for without torch, which a command on one node need not import."""
    for name in ("GROUP_WORLD_SIZE", "WORLD_SIZE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    if launched:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    assert TorchElasticEnvironment.detect() == launched
    assert nodes._launched()[0] == ("torchrun" if launched else None)
