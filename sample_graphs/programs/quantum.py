"""A quantum computer of three bits, simulated: gates on a tensor of complex amplitudes, then what is measured."""

import numpy as np

H = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
CNOT = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=complex).reshape(2, 2, 2, 2)


def rx(angle):
    c, s = np.cos(angle / 2), -1j * np.sin(angle / 2)
    return np.array([[c, s], [s, c]])


def rz(angle):
    return np.diag([np.exp(-0.5j * angle), np.exp(0.5j * angle)])


def on_one(gate, state, bit):
    return np.moveaxis(np.tensordot(gate, state, axes=([1], [bit])), 0, bit)


def on_two(gate, state, first, second):
    return np.moveaxis(np.tensordot(gate, state, axes=([2, 3], [first, second])), [0, 1], [first, second])


def entropy(state, bit):
    """How much a bit is entangled with the others."""
    m = np.moveaxis(state, bit, 0).reshape(2, -1)
    p = np.linalg.eigvalsh(m @ m.conj().T)
    return -np.sum(p * np.log2(p))


def measure(angles, n=3):
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1
    for bit in range(n):
        state = on_one(H, state, bit)
    for bit, angle in enumerate(angles):
        state = on_one(rx(angle), state, bit)
        state = on_one(rz(angle**2), state, (bit + 1) % n)
        state = on_two(CNOT, state, bit, (bit + 1) % n)
    probabilities = np.abs(state.ravel()) ** 2
    signs = 1 - 2 * (np.arange(2**n) >> (n - 1))
    return probabilities @ signs, np.vdot(state, on_one(H, state, 1)).real, entropy(state, 0)


ANGLES = np.array([0.3, 0.7, -0.4])
