"""Gradient accumulation: the gradients of micro-batches add up to the gradient of the full batch.

Look for: the splitters of `slope` and `intercept` add one term for each micro-batch.
"""

import numpy as np

from tracer import trace

# Speed in miles per hour and stopping distance in feet of cars of the 1920s (M. Ezekiel, 1930).
SPEED = np.array([4.0, 4.0, 7.0, 7.0, 8.0, 9.0, 10.0, 10.0, 10.0, 11.0, 11.0, 12.0])
DISTANCE = np.array([2.0, 10.0, 4.0, 22.0, 16.0, 10.0, 18.0, 26.0, 34.0, 17.0, 28.0, 14.0])
MICRO_BATCH = 4


def squared_error(slope, intercept, speed, distance):
    """Sum the squared errors of a straight line over one batch of cars."""
    predicted = slope * speed + intercept
    return ((predicted - distance) ** 2).sum()


@trace
def gradient_accumulation(slope=3.0, intercept=-8.0):
    """Compute the mean squared error one micro-batch at a time."""
    total = 0.0
    for start in range(0, len(SPEED), MICRO_BATCH):
        cars = slice(start, start + MICRO_BATCH)
        total = total + squared_error(slope, intercept, SPEED[cars], DISTANCE[cars])
    return total / len(SPEED)
