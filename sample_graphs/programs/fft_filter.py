"""Smooths a signal with a Gaussian low-pass filter in the frequency domain, and measures what it lost."""

import numpy as np


def lowpass(signal, cutoff, rate=16.0):
    spectrum = np.fft.rfft(signal)
    freqs = np.fft.rfftfreq(len(signal), d=1 / rate)
    spectrum *= np.exp(-((freqs / cutoff) ** 2) / 2)
    return np.fft.irfft(spectrum, n=len(signal))


def lost_power(signal, cutoff=2.5):
    smooth = lowpass(signal, cutoff)
    before = np.abs(np.fft.fft(signal)) ** 2
    after = np.abs(np.fft.fft(smooth)) ** 2
    half = len(signal) // 2
    return 1 - after[1:half].sum() / before[1:half].sum(), smooth


T = np.arange(16) / 16.0
SIGNAL = np.sin(2 * np.pi * T) + 0.3 * np.cos(2 * np.pi * 5 * T) + 0.1
