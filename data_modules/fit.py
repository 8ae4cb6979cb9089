"""How an image of any shape fits the square or rectangle that a stage looks at.

`crop` scales the image until its shorter side fits, and looks at a part of it; `pad` scales it
until all of it fits, and leaves the rest black; `stretch` changes its aspect. Both `crop` and `pad`
keep the aspect, as torchvision's `Resize` with `CenterCrop` and MONAI's `ResizeWithPadOrCrop` do.
"""

FITS = ("crop", "pad", "stretch")
BEFORE_FIT = "stretch"
"""How images fitted before there was a choice: what settings of then mean, which say nothing."""

SPARE = 1.15
"""Pixels that are stored for each pixel that a stage looks at, along a side."""

LONGEST = 8
"""An image of which a crop shows less than one part in so many is of no scan."""

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
        ValueError: The image is much too long to be cropped to this size.
    """
    if fit == "stretch":
        return size
    factors = [wanted / there for wanted, there in zip(size, own, strict=True)]
    if fit == "crop" and max(factors) > LONGEST * min(factors):
        raise ValueError(
            f"is {own[1]} x {own[0]} pixels, of which {size[1]} x {size[0]} would show less than "
            f"1 / {LONGEST}; leave it out, or train with fit=pad"
        )
    factor = min(1.0, SPARE * scale(own, size, fit))
    return max(1, round(own[0] * factor)), max(1, round(own[1] * factor))
