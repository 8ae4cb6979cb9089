"""Views that change nothing."""

from matl.views import ViewConfig

STILL = ViewConfig(
    crop=[1.0, 1.0],
    flip=0.0,
    rotate=0.0,
    brightness=0.0,
    contrast=0.0,
    gamma=0.0,
    noise=0.0,
    low_resolution=0.0,
)
