"""Where numbers come from: machines, versions, commits, digests."""

from collections.abc import Iterable, Mapping
from typing import Any

from matl.names import BACKBONE
from matl.report.table import Row, Table, make_table

Manifest = Mapping[str, Any]


def facts(manifests: Iterable[Manifest]) -> dict[str, str]:
    """What the stages were trained on and with; several values where stages differ."""
    stages = list(manifests)
    found = {
        "Machine": [one["machine"]["system"] for one in stages],
        "Device": [
            f"{one['machine']['device']}, {one['machine']['cores']} cores" for one in stages
        ],
        "Commit of matl": [
            _short(one["commit"]) if one["commit"] else "not a checkout" for one in stages
        ],
        "Finished": [max(one["finished"] for one in stages)] if stages else [],
        "Seed": [one["identity"]["seed"] for one in stages],
        "Precision": [one["identity"]["trainer"]["precision"] for one in stages],
        "Processes x threads": [
            "{processes} x {threads}".format(**_trainer(one)) for one in stages
        ],
    }
    for name in dict.fromkeys(name for one in stages for name in one["versions"]):
        found[name] = [one["versions"].get(name) for one in stages]
    return {name: "; ".join(_distinct(values)) for name, values in found.items() if values}


def _trainer(manifest: Manifest) -> Mapping[str, Any]:
    """Processes and threads; an earlier version kept them within the identity."""
    return {**manifest["identity"]["trainer"], **manifest.get("trainer", {})}


def digest_table(manifests: Mapping[str, Manifest]) -> Table:
    """One row per stage: its fingerprint, its parent's, and the digests of its data and weights."""
    header = ("Stage", "Finished", "Fingerprint", "Parent", "Data (digest)", "Weights (SHA-256)")
    rows: list[Row] = [
        (
            name,
            one["finished"],
            _short(one["fingerprint"]),
            _short(one["parent"]) if one["parent"] else None,
            _short(one["identity"]["data"]),
            _short(one["sha256"][BACKBONE]),
        )
        for name, one in manifests.items()
    ]
    return make_table("Fingerprints and digests", "The first digits of each.", header, rows)


def _short(digest: str) -> str:
    """The beginning of a digest; a plus sign at its end stays."""
    return digest[:12] + ("+" if digest.endswith("+") else "")


def _distinct(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values if value is not None))
