"""Sharpens an image with a kernel over strided windows, then thresholds, and measures its contrast."""

import numpy as np


def windows(image, size):
    h, w = image.shape
    sh, sw = image.strides
    return np.lib.stride_tricks.as_strided(
        image, shape=(h - size + 1, w - size + 1, size, size), strides=(sh, sw, sh, sw)
    )


def sharpen(image, amount=1.5, sigma=0.8):
    axis = np.arange(-1, 2)
    kernel = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(image, 1, mode="edge")
    blurred = np.tensordot(windows(padded, 3), kernel, axes=((2, 3), (0, 1)))
    return np.clip(image + amount * (image - blurred), 0, 1)


def contrast(image, amount=1.5, sigma=0.8):
    out = sharpen(image, amount, sigma)
    dark = out < out.mean()
    return out[~dark].mean() - out[dark].mean(), out.std()


IMAGE = np.linspace(0.1, 0.85, 30).reshape(5, 6) ** 1.5 + 0.1 * np.eye(5, 6)
