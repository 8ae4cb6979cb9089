"""The processes of one machine: nobody can reach them, and no host name is asked for."""

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import pytest
from faulty import Chain
from sockets import PROC, family, listening
from tiny import Load

from matl.orchestrator.job import Job
from matl.orchestrator.launch import launch
from matl.orchestrator.plan import make_plan
from matl.orchestrator.process_group import OneMachine, process_environments
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job
from matl.preemption import REQUEUE, Preempted

TWO = ("chain=[diagnosis]", "trainer.devices=2")
linux = pytest.mark.skipif(not PROC.is_dir(), reason="only Linux shows each process's sockets")


@linux
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_socket_that_listens_is_found(address: str) -> None:
    version = socket.AF_INET6 if ":" in address else socket.AF_INET
    before = listening(family(os.getpid()))
    if ":" in address and not (PROC / "net" / "if_inet6").is_file():
        pytest.skip("no IPv6 here")
    with closing(socket.socket(version)) as one:
        one.bind((address, 0))
        assert listening(family(os.getpid())) == before
        one.listen()
        assert listening(family(os.getpid())) == before | {ip_address(address)}


@linux
@pytest.mark.slow
def test_nothing_listens_beyond_the_loopback_interface(tmp_path: Path, phantom_root: Path) -> None:
    chain = Chain(tmp_path / "run", phantom_root, (*TWO, "stages.diagnosis.epochs=60"))
    run = chain.start()
    seen, ranks = set(), set()
    while not list(chain.store.root.glob("unfinished/*/last.ckpt")):
        assert not run.ended_within(0.2), run.shown
        processes = family(run.pid)
        seen |= listening(processes)
        ranks |= set(run.children("multiprocessing.spawn")) & processes
    os.kill(run.pid, signal.SIGTERM)
    assert run.end() == REQUEUE, run.shown
    assert len(ranks) >= 2
    assert seen, "gloo listens, so some socket must have been seen"
    assert all(address.is_loopback for address in seen), seen


def nameless() -> list[str]:
    """What runs a command on a machine whose own name no resolver knows."""
    name = "nohost-xyz"
    start = ["unshare", "-u", "bash", "-c", f'hostname {name} && exec "$@"', "bash"]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    if subprocess.run([*start, "true"], capture_output=True).returncode:
        pytest.skip("a name of its own (unshare -u) is not permitted here")
    return start


@pytest.mark.slow
def test_a_machine_whose_name_does_not_resolve_trains_and_heeds_a_signal(
    tiny_file: Path, tmp_path: Path
) -> None:
    command = [*nameless(), sys.executable, "-m", "matl.cli", "run", str(tiny_file), *TWO]
    log = tmp_path / "log.txt"
    with log.open("w") as file:
        run = subprocess.Popen(command, stdout=file, stderr=file)
    while "training (" not in log.read_text():
        assert run.poll() is None, log.read_text()
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == REQUEUE, log.read_text()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "epoch 2 of 2" in done.stdout


class SignalsWhileStarted:
    """An entry that signals its own launcher while that starts the second process."""

    __qualname__ = "SignalsWhileStarted"

    def __init__(self) -> None:
        self.copies = 0

    def __reduce__(self) -> tuple[object, tuple[()]]:
        self.copies += 1
        if self.copies == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return SignalsWhileStarted, ()

    def __call__(self, job: Job) -> None:
        time.sleep(300)


@pytest.mark.slow
def test_a_signal_while_processes_are_started_leaves_none(load_tiny: Load) -> None:
    plan = make_plan(load_tiny(*TWO))
    job = stage_job(plan, plan.chain[0], Store(plan.experiment.store))
    before = set(multiprocessing.active_children())
    started = time.monotonic()
    with pytest.raises(Preempted):
        launch(SignalsWhileStarted(), job)
    while set(multiprocessing.active_children()) - before:
        assert time.monotonic() - started < 60
        time.sleep(0.1)


def test_each_process_finds_the_same_folder_and_the_loopback_interface(tmp_path: Path) -> None:
    first, second = process_environments(tmp_path, 2).values()
    assert {key for key in first if first[key] != second[key]} == {"RANK", "LOCAL_RANK"}
    names = {name for _, name in socket.if_nameindex()}
    assert first["GLOO_SOCKET_IFNAME"] in names
    assert first["NCCL_SOCKET_IFNAME"] == "=" + first["GLOO_SOCKET_IFNAME"]


def test_lightning_gets_no_port_for_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in process_environments(Path("folder"), 2)[1].items():
        monkeypatch.setenv(name, value)
    machine = OneMachine()
    assert (machine.global_rank(), machine.local_rank(), machine.world_size()) == (1, 1, 2)
    assert (machine.main_address, machine.node_rank()) == ("127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="must exist before the Trainer"):
        _ = machine.main_port
