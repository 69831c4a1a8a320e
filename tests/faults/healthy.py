"""Programs that nothing is wrong with: no finding above `note`."""

import numpy as np


def softmax(z=np.array([1.0, 2.0, 3.0])):
    shifted = z - np.max(z)
    e = np.exp(shifted)
    return -np.log(e[0] / np.sum(e))
