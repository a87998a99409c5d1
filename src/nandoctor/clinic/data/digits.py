"""scikit-learn's handwritten digits: no download, no file."""

from __future__ import annotations

import numpy as np

from nandoctor.clinic.data.classes import LabelledImages
from nandoctor.clinic.data.pictures import resized


def read_digits(size: int | None = None) -> LabelledImages:
    """1,797 images of ten digits (Alpaydin and Kaynak, 1998), 8 x 8 pixels unless another size is asked for.

    >>> digits = read_digits(size=16)
    >>> digits.pixels.shape, digits.pixels.dtype, digits.classes[:3]
    ((1797, 16, 16, 1), dtype('uint8'), ('0', '1', '2'))
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
    side = size or pixels.shape[1]
    return LabelledImages(
        pixels=np.stack([resized(image, side, side) for image in pixels])[..., None],
        labels=digits.target.astype(np.int32),
        classes=tuple(str(name) for name in digits.target_names),
        groups=("digits",) * len(digits.target_names),
    )
