"""How an image of any shape fits the square or rectangle that a stage looks at.

`crop` scales the image until its shorter side fits, and looks at a part of it; `pad` scales it
until all of it fits, and leaves the rest black; `stretch` changes its aspect. Both `crop` and `pad`
keep the aspect, as torchvision's `Resize` with `CenterCrop` and MONAI's `ResizeWithPadOrCrop` do.
"""

FITS = ("crop", "pad", "stretch")
SPARE = 1.15
"""Pixels that are stored for each pixel that a stage looks at, along a side."""

LONGEST = 8
"""Sides that differ by more than this factor are of no scan; cropped, hardly any of it is seen."""

Size = tuple[int, int]


def scale(own: Size, size: Size, fit: str) -> float:
    """Pixels that a stage looks at for each pixel of an image, along a side; 1 enlarges nothing.

    Args:
        own: Height and width of the image.
        size: Height and width that the stage looks at.
        fit: One of `FITS`; for `stretch` this is the larger of both sides' factors.
    """
    factors = [wanted / there for wanted, there in zip(size, own, strict=True)]
    return min(factors) if fit == "pad" else max(factors)


def stored_size(own: Size, size: Size, fit: str) -> Size:
    """Height and width in which an image is stored for a stage, in pixels.

    Nothing is cropped, and nothing enlarged; where the aspect is kept, `SPARE` times the pixels
    that the stage looks at are kept, so that a view may look closer. A stretched image is stored as
    it is looked at.

    Raises:
        ValueError: The image is much too long to be cropped.
    """
    if fit == "stretch":
        return size
    if fit == "crop" and max(own) > LONGEST * min(own):
        raise ValueError(
            f"is {own[1]} x {own[0]} pixels, and sides that differ by more than {LONGEST} times "
            "cannot be cropped to a square that says anything; leave it out, or set fit=pad"
        )
    factor = min(1.0, SPARE * scale(own, size, fit))
    return max(1, round(own[0] * factor)), max(1, round(own[1] * factor))
