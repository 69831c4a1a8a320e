"""Where a planet is at a given time: Kepler's equation by Newton, memoised, with units in a small class."""

import functools
import math


class Angle:
    """An angle that knows degrees."""

    def __init__(self, radians):
        self.radians = radians

    @classmethod
    def from_degrees(cls, degrees):
        return cls(math.radians(degrees))

    @property
    def degrees(self):
        return math.degrees(self.radians)

    def __add__(self, other):
        return Angle(self.radians + other.radians)

    def __repr__(self):
        return f"{self.degrees:.2f}°"


@functools.lru_cache(maxsize=None)
def eccentric_anomaly(mean, eccentricity):
    E = mean if eccentricity < 0.8 else math.pi
    while abs(delta := (E - eccentricity * math.sin(E) - mean) / (1 - eccentricity * math.cos(E))) > 1e-13:
        E -= delta
    return E


def position(day, axis=1.524, eccentricity=0.0934, perihelion=336.0, period=687.0):
    mean = 2 * math.pi * (day % period) / period
    E = eccentric_anomaly(mean, eccentricity)
    true = Angle(
        2
        * math.atan2(
            math.sqrt(1 + eccentricity) * math.sin(E / 2), math.sqrt(1 - eccentricity) * math.cos(E / 2)
        )
    )
    r = axis * (1 - eccentricity * math.cos(E))
    longitude = true + Angle.from_degrees(perihelion)
    return r * math.cos(longitude.radians), r * math.sin(longitude.radians), longitude.degrees
