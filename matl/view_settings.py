"""How strongly random views differ: what a user sets. The views are made in `matl.views`."""

from dataclasses import dataclass, field

VERSION = 2
"""Raised whenever the same generator may give other views."""

TTA = ("none", "flip", "crops")
"""The views that a diagnosis scores an image in; see `matl.views.evaluation_views`."""


@dataclass
class ViewConfig:
    """How strongly views differ; each strength of 0 turns its part off.

    Attributes:
        crop: Least and largest area of the crop as shares of what the stage's `fit` shows of the
            image, drawn uniformly; more than 1 zooms out. It lies anywhere in the image, and its
            width differs from its height by a factor of 1.2 at most.
        flip: Probability of a left-right flip.
        rotate: Largest rotation in degrees, either way.
        brightness: Largest shift of the grey values, which lie in [0, 1].
        contrast: Largest relative change of the spread of an image around its mean.
        gamma: Grey values are raised to exp(g), |g| at most this.
        noise: Largest standard deviation of Gaussian noise.
        low_resolution: Probability that a view is shrunk, to between a half and all of its side,
            and enlarged again, so that sharpness does not name the source (nnU-Net).
    """

    crop: list[float] = field(
        default_factory=lambda: [0.5, 1.0],
        metadata={"above": 0.0, "most": 4.0, "unit": "share of the area"},
    )
    flip: float = field(default=0.5, metadata={"least": 0.0, "most": 1.0, "unit": "probability"})
    rotate: float = field(default=10.0, metadata={"least": 0.0, "most": 180.0, "unit": "degrees"})
    brightness: float = field(default=0.1, metadata={"least": 0.0, "most": 1.0})
    contrast: float = field(default=0.2, metadata={"least": 0.0, "most": 1.0})
    gamma: float = field(default=0.2, metadata={"least": 0.0, "most": 2.0})
    noise: float = field(default=0.02, metadata={"least": 0.0, "most": 1.0})
    low_resolution: float = field(
        default=0.25, metadata={"least": 0.0, "most": 1.0, "unit": "probability"}
    )
