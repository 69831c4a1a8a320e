"""Classes of what is passed as an argument."""

import dataclasses
from collections import namedtuple

import numpy as np

Point = namedtuple("Point", "x y")  # noqa: PYI024  (what users write)


@dataclasses.dataclass
class Layer:
    weight: float
    bias: np.ndarray
    name: str = "layer"
