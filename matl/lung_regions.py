"""The regions of a lung field, by name. They are found in `matl.lungs`."""

VERSION = 3
"""Raised whenever a region map may come out different: cached maps are keyed by it."""

REGIONS = (
    "image_left_anterior",
    "image_left_middle",
    "image_left_posterior",
    "image_right_anterior",
    "image_right_middle",
    "image_right_posterior",
)
"""What the values 1 to 6 of a region map mean (image left = the patient's right lung).

Of a prone scan, whose spine is seen on top, they are those of the image turned by 180 degrees.
"""
