"""The yield of a chemical reactor over a grid of temperatures, with a scalar formula made to take arrays."""

import numpy as np

R = 8.314


def rate(temperature, activation, frequency):
    if temperature < 300:
        return 0.0
    return frequency * np.exp(-activation / (R * temperature))


arrhenius = np.vectorize(rate, otypes=[float], excluded={"frequency"})


def reactor_yield(temperatures, activation=4.5e4, frequency=1e7, residence=2.0):
    k = arrhenius(temperatures, activation, frequency=frequency)
    conversion = k * residence / (1 + k * residence)
    loss = np.apply_along_axis(lambda row: np.sum(row[1:] * row[:-1]), 1, conversion.reshape(2, -1))
    return np.trapezoid(conversion, temperatures), loss.sum()


GRID = np.array([290.0, 310.0, 330.0, 350.0, 370.0, 390.0])
