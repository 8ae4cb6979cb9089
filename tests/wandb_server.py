"""A local stand-in for the W&B server: it takes runs and artifacts, hangs, refuses or dies.

It answers the calls that wandb's service makes for a run, its curves, its files and its artifacts,
and keeps what it was told.
"""

import base64
import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

API_KEY = "0123456789" * 4
Json = dict[str, Any]


@dataclass
class Told:
    """What the server knows of one run."""

    group: str | None = None
    job_type: str | None = None
    sweep: str | None = None
    name: str | None = None
    lines: dict[int, Json] = field(default_factory=dict)
    summary: Json = field(default_factory=dict)
    config: Json = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    logged: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)

    def curve(self, name: str) -> list[Any]:
        """Values of a logged name in the order of their lines."""
        return [row[name] for _, row in sorted(self.lines.items()) if name in row]


class StandIn:
    """The server's state; `hanging` holds every answer back, `key` is the one that it knows.

    A sweep's agent gets `trials`, settings by run id, one after another.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = API_KEY
        self.hanging = threading.Event()
        self.released = threading.Event()
        self.runs: dict[str, Told] = {}
        self.artifacts: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        self.sweep: str = ""
        self.trials: dict[str, Json] = {}

    def answer(self, operation: str, given: Json) -> Json:
        """The data of a GraphQL answer."""
        self.calls.append(operation)
        known = getattr(self, f"_{_snake(operation)}", None)
        return known(given) if known else {}

    def _viewer(self, given: Json) -> Json:
        teams: Json = {"edges": []}
        account = {"id": "u1", "entity": "lab", "username": "ann", "email": "", "flags": "{}"}
        return {"viewer": account | {"teams": teams, "admin": False}}

    def _run_resume_status(self, given: Json) -> Json:
        return {"model": {**PROJECT, "bucket": self._bucket(given["name"])}}

    def _bucket(self, name: str) -> Json | None:
        run = self.runs.get(name)
        if run is None:
            return None
        tail = [json.dumps(row) for _, row in sorted(run.lines.items())][-1:]
        return {
            "id": name,
            "name": name,
            "summaryMetrics": json.dumps(run.summary),
            "displayName": run.name,
            "logLineCount": 0,
            "historyLineCount": len(run.lines),
            "eventsLineCount": 0,
            "historyTail": json.dumps(tail),
            "eventsTail": "[]",
            "config": json.dumps(run.config),
            "tags": [],
            "notes": "",
            "wandbConfig": '{"t": {}}',
        }

    def _upsert_bucket(self, given: Json) -> Json:
        new = given["name"] not in self.runs
        run = self.runs.setdefault(given["name"], Told())
        run.group, run.job_type = given["groupName"] or run.group, given["jobType"] or run.job_type
        run.sweep, run.name = given["sweep"] or run.sweep, given["displayName"] or run.name
        run.config |= json.loads(given["config"] or "{}")
        bucket = {"id": given["name"], "name": given["name"], "displayName": run.name}
        project = {"project": PROJECT, "sweepName": run.sweep, "historyLineCount": len(run.lines)}
        return {"upsertBucket": {"bucket": bucket | project, "inserted": new}}

    def _create_run_files(self, given: Json) -> Json:
        self.runs[given["run"]].files |= set(given["files"])
        files = [{"name": name, "uploadUrl": f"{self.url}/put"} for name in given["files"]]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def _create_artifact(self, given: Json) -> Json:
        asked = given["input"]
        name, digest = asked["artifactCollectionName"], asked["digest"]
        state = "COMMITTED" if (name, digest) in self.artifacts else "PENDING"
        identity = self.artifacts.setdefault((name, digest), _identifier(name, digest))
        if asked["runName"]:  # an artifact that is only used is of no run
            self.runs[asked["runName"]].logged.append(name)
        artifact = {"id": identity, "digest": digest, "state": state, "artifactSequence": {}}
        return {"createArtifact": {"artifact": artifact}}

    def _artifact_type(self, given: Json) -> Json:
        return {"project": None}

    def _artifact_by_id(self, given: Json) -> Json:
        name, _, digest = base64.b64decode(given["id"]).decode().partition("|")
        sequence = {"__typename": "ArtifactSequence", "name": name, "project": PROJECT}
        times = {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": None, "commitHash": None}
        counts = {"versionIndex": 0, "size": 1, "fileCount": 1, "historyStep": None}
        lifetime = {"ttlDurationSeconds": -1, "ttlIsInherited": False}
        about = {"description": None, "metadata": "{}", "tags": [], "aliases": []}
        artifact = {
            "__typename": "Artifact",
            "id": given["id"],
            "artifactSequence": sequence,
            "artifactType": {"name": "model"},
            "state": "COMMITTED",
            "digest": digest,
        }
        return {"artifact": artifact | times | counts | lifetime | about}

    def _create_artifact_manifest(self, given: Json) -> Json:
        file = {"id": "f", "uploadUrl": f"{self.url}/put", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}

    def _create_artifact_files(self, given: Json) -> Json:
        nodes = [
            {
                "storagePath": asked["name"],
                "uploadUrl": f"{self.url}/put",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": asked["artifactID"]},
            }
            for asked in given["input"]["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _commit_artifact(self, given: Json) -> Json:
        return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": "d"}}}

    def _use_artifact(self, given: Json) -> Json:
        asked = given["input"]
        name = base64.b64decode(asked["artifactID"]).decode().partition("|")[0]
        self.runs[asked["runName"]].used.append(name)
        return {"useArtifact": {"artifact": {"id": asked["artifactID"]}}}

    def _upsert_sweep(self, given: Json) -> Json:
        self.sweep = given["config"]
        sweep = {"name": "sweep1", "project": PROJECT}
        return {"upsertSweep": {"sweep": sweep, "configValidationWarnings": []}}

    def _sweep_with_runs(self, given: Json) -> Json:
        sweep = {"id": "s1", "name": given["sweep"], "config": self.sweep, "runs": {"edges": []}}
        return {"project": {"sweep": sweep}}

    def _create_agent(self, given: Json) -> Json:
        return {"createAgent": {"agent": {"id": "a1"}}}

    def _heartbeat(self, given: Json) -> Json:
        """The next trial where none is running; the end after the last."""
        commands: list[Json] = []
        if given["runState"] == "{}" and not self.trials:
            commands = [{"type": "exit"}]
        elif given["runState"] == "{}":
            run = next(iter(self.trials))
            args = {name: {"value": value} for name, value in self.trials.pop(run).items()}
            commands = [{"type": "run", "run_id": run, "program": "matl", "args": args}]
        return {"agentHeartbeat": {"agent": {"id": "a1"}, "commands": json.dumps(commands)}}

    def stream(self, run: str, given: Json) -> Json:
        """Lines of curves, and the run's end."""
        told = self.runs.setdefault(run, Told())
        history = given.get("files", {}).get("wandb-history.jsonl", {})
        for place, line in enumerate(history.get("content", []), history.get("offset", 0)):
            told.lines[place] = json.loads(line)
        summary = given.get("files", {}).get("wandb-summary.json", {}).get("content", [])
        told.summary |= json.loads(summary[-1]) if summary else {}
        if given.get("complete"):
            told.exit_codes.append(int(given.get("exitcode") or 0))
        return {}


PROJECT = {"id": "p1", "internalId": "p1", "name": "matl", "entity": {"id": "e1", "name": "lab"}}


def _identifier(name: str, digest: str) -> str:
    return base64.b64encode(f"{name}|{digest}".encode()).decode()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: StandIn

    def log_message(self, *words: Any) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.state.hanging.is_set():
            self.state.released.wait()
            self.close_connection = True
            return
        if self.path == "/graphql":
            asked = json.loads(body)
            operation = asked.get("operationName") or _operation(asked["query"])
            if not self._knows_the_key():
                self._send({"errors": [{"message": "user is not logged in"}]}, 401)
                return
            self._send({"data": self.state.answer(operation, asked.get("variables") or {})})
        elif self.path.endswith("/file_stream"):
            self._send(self.state.stream(self.path.split("/")[-2], json.loads(body)))
        else:
            self._send({})

    do_GET = do_PUT = do_POST

    def _knows_the_key(self) -> bool:
        _, _, given = (self.headers.get("authorization") or "").partition(" ")
        return base64.b64decode(given).decode().endswith(f":{self.state.key}")

    def _send(self, answer: Json, status: int = 200) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _operation(query: str) -> str:
    return re.search(r"(?:query|mutation)\s+(\w+)", query).group(1)


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A server on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a service that was killed leaves its calls unfinished
    state = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"state": state})
    state.die = lambda: (server.shutdown(), server.server_close())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
