"""Calls of functions that are followed, by which they are not: an option, or what an operand is; and why."""

from __future__ import annotations

_BASIS = "any basis of what is left: no derivative; {} is followed"
_MOVING = "the counts jump where an edge meets a number; without density= it is followed"
_LIMIT = "a matrix of less rank nearby has another inverse: no derivative"

OPTIONS: dict[str, str] = {
    "np.array(m, like=m)": "makes an array of another library's",
    "np.corrcoef(m[:1], rowvar=False)": "versions of NumPy disagree on what it is",
    "np.cov(m[:1], rowvar=False)": "versions of NumPy disagree on what it is",
    "np.cross(m[:, :2], m[:, :2])": "NumPy will refuse it; a[0] * b[1] - a[1] * b[0] is followed",
    "np.fft.fftn(m, axes=(0, 0))": "NumPy goes over one axis twice, and says that it should not",
    "np.histogram(k, 3, density=True)": _MOVING,
    "np.histogram2d(v, u, 3, density=True)": _MOVING,
    "np.histogramdd(n, 2, density=True)": _MOVING,
    "np.lib.stride_tricks.as_strided(m, (2, 2), (8, 4))": "it takes numbers apart into their bytes",
    "np.lib.stride_tricks.as_strided(m.T, (2, 2), (8, 8))": "strides of a view; those of its copy are followed",
    "np.linalg.lstsq(np.diag(v) * [1.0, 1.0, 0.0], u, rcond=1e-3)": _LIMIT,
    "np.linalg.pinv(np.diag(v) * [1.0, 1.0, 0.0], 1e-3)": _LIMIT,
    "np.linalg.qr(n, mode='raw')": "it shows how LAPACK keeps the factors; mode='reduced' is followed",
    "np.linalg.qr(n.T, mode='complete')": _BASIS.format("mode='reduced'"),
    "np.linalg.svd(n)": _BASIS.format("full_matrices=False"),
    "np.logspace(x, 2.0, 4, base=v)": "base ** np.linspace(…)[:, None] is followed",
    "np.matmul(v, u, axes=[(0,), (0,), ()])": "without axes= it is followed",
    "np.pad(m, 1, 'linear_ramp', end_values=x)": "np.concatenate with np.linspace is followed",
    "np.pad(m, 1, lambda *_: None)": "the function writes into an array of NumPy's own",
    "np.poly(s)": "np.poly(np.linalg.eigvals(s)) is followed",
    "np.polyfit(v, u, 1, cov=True)": "np.polyfit without it is followed",
    "np.polyfit(v, u, 1, full=True)": "np.polyfit without it is followed",
    "np.polyfit(v, u, 1, rcond=1e-9)": "np.polyfit without it is followed",
    "np.power.reduce(v)": "NumPy skips steps of it on some processors; np.power.accumulate(v)[-1] is followed",
    "np.power.reduceat(v, [0, 2])": "as np.power.reduce: np.power.accumulate of each part is followed",
    "np.var(m, ddof=y)": "np.mean of squares, with a divisor of one's own, is followed",
}

SCIPYS_OPTIONS: dict[str, str] = {
    "scipy.fft.dct(m * 1j, orthogonalize=True).imag": "some versions of SciPy do not read it for complex numbers",
    "scipy.linalg.eigh(s, s)[0]": "of L = np.linalg.cholesky(b), np.linalg.eigh of inv(L) @ a @ inv(L).T is followed",
    "scipy.linalg.inv(s[None])": "np.linalg.inv takes batches, and is followed",
    "scipy.linalg.inv(s, assume_a='diagonal')": "versions of SciPy disagree on what is read",
    "scipy.linalg.qr(n.T)": _BASIS.format("mode='economic'"),
    "scipy.linalg.solve(s, v, transposed=True)": "scipy.linalg.solve(s.T, v) is followed",
    "scipy.linalg.toeplitz(v * 1j).imag": "with r=np.conj(c) it is followed",
    "scipy.special.logsumexp(v, return_sign=True)[0]": "without it, it is followed",
}
