"""What is known of a finished run: all that its tables and its report are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.scored import Scored


@dataclass(frozen=True)
class StageRow:
    """One stage of the chain, what it was given and what it cost.

    Attributes:
        name: The stage's name in the experiment.
        part: 1, 2 or 3.
        task: `source`, `lung_ssl` or `diagnosis`.
        data: The data sets in words.
        images: How many it was trained on.
        size: Image size in pixels, in words ("192 x 192").
        epochs: How many were trained.
        seconds: Training time, None where not measured (as for the next two).
        images_per_second: Images through the whole training loop.
        peak_memory_mb: Largest memory in 10^6 bytes.
        metric: The stage's own metric at its end, as in "val/accuracy"; None where it has none.
        value: That metric's value, None where `metric` is.
        reused: None where this experiment trained the stage, now or before; else which one did.
        fingerprint: The stage's fingerprint.
        from_scratch: Whether it was trained without the stages before it, for comparison.
        references: Values at its end beside the trivial ones that they are to be read with, in
            words.
        findings: What its curves say of its training, as that it has collapsed; a line each.
    """

    name: str
    part: int
    task: str
    data: str
    images: int
    size: str
    epochs: int
    seconds: float | None
    images_per_second: float | None
    peak_memory_mb: float | None
    metric: str | None = None
    value: float | None = None
    reused: str | None = None
    fingerprint: str = ""
    from_scratch: bool = False
    references: str = ""
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NetworkRow:
    """The network of one arm, what it holds and what it costs.

    Attributes:
        arm: The arm's name.
        network: timm's name of it.
        operator: "attention", "convolution" or "none".
        parameters: In all, without heads.
        in_operators: Those within the inserted operators.
        flops: Floating-point operations of a forward pass over one image, by its size in words.
    """

    arm: str
    network: str
    operator: str
    parameters: int
    in_operators: int
    flops: dict[str, int]


@dataclass(frozen=True)
class StartRow:
    """What a backbone promises to the diagnosis, and what it gained where that was trained.

    Attributes:
        begins: The stage that left the backbone, or `matl.report.rows.FROM_SCRATCH`.
        images: Labelled training images of the diagnosis that the scores are of.
        log_me, h_score, trans_rate: See `matl.evaluation.transferability`; more is better.
        metric: What the gain is of; empty without one, as for the next three.
        split: Whose images.
        gain: Of the diagnosis that begins from it over the one from scratch.
        low, high: Its 95 % interval over patients, where it has one.
    """

    begins: str
    images: int
    log_me: float
    h_score: float
    trans_rate: float
    metric: str = ""
    split: str = ""
    gain: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """A finished run.

    Attributes:
        experiment: The experiment's name.
        command: The exact command that ran it.
        stages: The chain's stages in order.
        scored: What each diagnosis scored, by the row's name (see `matl.report.rows`), and the
            classes; without one where the chain ends before the diagnosis.
        split_note: How the splits were made, and what stands in where patients are not named.
        curves: For each stage a table of its training: `epoch` and one column per logged value.
        manifest: Versions, machine, configuration: anything that JSON can hold.
        notes: What a reader should know, a sentence each.
        seeds: How many seeds of the whole chain the scores are of.
        data: For each stage the counts of its images, one row per split (see
            `data_modules.audit.overview`).
        networks: The run's network, then those that it is to be matched with.
        starts: What the diagnosis could begin from, in the chain's order.
    """

    experiment: str
    command: str
    stages: list[StageRow]
    scored: Scored | MultiClassScored
    split_note: str = ""
    curves: dict[str, pd.DataFrame] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seeds: int = 1
    data: dict[str, pd.DataFrame] = field(default_factory=dict)
    networks: list[NetworkRow] = field(default_factory=list)
    starts: list[StartRow] = field(default_factory=list)
