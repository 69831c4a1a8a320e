"""Calls that show how calculus, polynomials, products and linear algebra are followed."""

from __future__ import annotations

MATHEMATICS: dict[str, tuple[str, ...]] = {
    "diff": (
        "np.diff(v)",
        "np.diff(c, 2, axis=1)",
        "np.diff(m, prepend=x)",
        "np.diff(m, axis=0, prepend=r, append=v[None])",
        "np.diff(v, 0)",
    ),
    "ediff1d": (
        "np.ediff1d(m)",
        "np.ediff1d(v, to_begin=x)",
        "np.ediff1d(v, to_end=u, to_begin=[1.0, 2.0])",
    ),
    "gradient": (
        "np.gradient(k)",
        "np.gradient(n)",
        "np.gradient(n, 2.0, axis=1)",
        "np.gradient(k, x)",
        "np.gradient(n, x, y)",
        "np.gradient(k, x, edge_order=2)",
        "np.gradient(k, [0.0, 0.3, 1.1, 1.5, 2.8])",
        "np.gradient(k, np.sort(k))",
        "np.gradient(k, np.sort(k), edge_order=2)",
        "np.gradient(n, np.cumsum(p[0]), axis=0)",
        "np.gradient(n, np.cumsum(n[0] ** 2), axis=-1, edge_order=2)",
        "np.gradient(np.concatenate([k, c.ravel()]))",
    ),
    "trapezoid": (
        "np.trapezoid(k)",
        "np.trapezoid(c, axis=1)",
        "np.trapezoid(m, v)",
        "np.trapezoid(c, v, axis=1)",
        "np.trapezoid(m, p)",
        "np.trapezoid(m, dx=x)",
        "np.trapezoid(m.T, q[:, 0], axis=-1)",
    ),
    "interp": (
        "np.interp(m, np.sort(v), u)",
        "np.interp(x, [0.0, 1.0, 2.0], v)",
        "np.interp(9 * v, np.sort(k), k * k)",
        "np.interp(9 * v, np.sort(k), k * k, left=3.0)",
        "np.interp(9 * v, np.sort(k), k * k, right=3.0)",
        "np.interp(m, k, k * k, period=2.3)",
        "np.interp(9 * v, np.sort(k), k * k, left=x, right=y)",
        "np.interp(9 * v, k, k * k, period=-x, left=y)",
        "np.interp(v, [0.5], [2.0] * np.array([x]))",
    ),
    "convolve": tuple(
        f"np.convolve({pair}, '{mode}')"
        for mode in ("full", "same", "valid")
        for pair in ("k, v", "v, k", "v, u")
    ),
    "correlate": tuple(
        f"np.correlate({pair}, '{mode}')"
        for mode in ("full", "same", "valid")
        for pair in ("k, v", "v, k", "v, u", "k, n[0]", "n[0], k", "v[:2], k", "k, v[:2]")
    ),
    "linspace": (
        "np.linspace(x, y, 5)",
        "np.linspace(v, x, 4, axis=-1)",
        "np.linspace(x, y, num=3, endpoint=False, retstep=True)",
        "np.linspace(0, x)",
        "np.linspace([x, y], [y, 3.0], 3)",
    ),
    "logspace": (
        "np.logspace(x, y, 4)",
        "np.logspace(v, x, 3, base=2.0)",
        "np.logspace(u, y, 3, base=x, axis=1)",
    ),
    "arange": ("np.arange(x, 4.0)", "np.arange(-x, 4, y)", "np.arange(3.0, step=y)", "np.arange(0, 2, y)"),
    "fromiter": (
        "np.fromiter(v, float)",
        "np.fromiter((t * x for t in v), np.float64, 2)",
        "np.fromiter([x, 1, y], dtype=float, count=-1)",
    ),
    "geomspace": (
        "np.geomspace(x, y, 4)",
        "np.geomspace(p[0], x, 3)",
        "np.geomspace(x, p[1], 3, endpoint=False, axis=1)",
    ),
    "polyval": ("np.polyval(v, m)", "np.polyval(k, x)", "np.polyval([1.0, 2.0], v)", "np.polyval(v, 2.0)"),
    "polyfit": (
        "np.polyfit(k, k ** 3, 2)",
        "np.polyfit([0.0, 1, 2, 3, 4], k, 1)",
        "np.polyfit(k, np.stack([k * k, k], 1), 1)",
        "np.polyfit(k, k ** 3, 1, w=1 + k * k)",
    ),
    "polyder": ("np.polyder(k)", "np.polyder(k, 2)", "np.polyder(v, 3)"),
    "polyint": (
        "np.polyint(k)",
        "np.polyint(v, 2)",
        "np.polyint(v, k=3.0)",
        "np.polyint(v, k=x)",
        "np.polyint(v, 3, k=[x, 2.0, y])",
    ),
    "polyadd": ("np.polyadd(k, v)", "np.polyadd(v, k)", "np.polyadd(v, u)"),
    "polysub": ("np.polysub(k, v)", "np.polysub(v, k)"),
    "polymul": ("np.polymul(k, v)", "np.polymul(v, u)"),
    "polydiv": ("np.polydiv(k, v)", "np.polydiv(k, v[:1])", "np.polydiv(v, k)[1]"),
    "roots": ("np.roots([1.0, -6.0, 11.0, -6.0] * np.array([x, x, x, y + 0.8]))",),
    "poly": ("np.poly(v)",),
    "vander": ("np.vander(v)", "np.vander(v, 4, increasing=True)"),
    "dot": ("np.dot(m, n)", "np.dot(v, v)", "np.dot(x, m)", "np.dot(c, n.T[:, 0])", "m.dot(v)"),
    "vdot": ("np.vdot(v, u)", "np.vdot(m, p)"),
    "inner": ("np.inner(m, v)", "np.inner(m, s)", "np.inner(x, v)"),
    "outer": ("np.outer(v, u)", "np.outer(m, x)"),
    "tensordot": (
        "np.tensordot(c, n, ((1, 2), (0, 1)))",
        "np.tensordot(m, n, 1)",
        "np.tensordot(v, u, axes=0)",
    ),
    "einsum": (
        "np.einsum('ij,jk->ik', m, n)",
        "np.einsum('ijk,jk', c, n)",
        "np.einsum('ii->i', s)",
        "np.einsum('...j,j', m, v, optimize=True)",
        "np.einsum(m, [0, 1], n, [1, 2], [0, 2])",
        "np.einsum(m, [0, 1], v, [1])",
        "np.einsum(c, [..., 1], n[0], [1])",
    ),
    "kron": ("np.kron(m, v)", "np.kron(v, m)"),
    "cross": ("np.cross(v, u)", "np.cross(m, v)", "np.cross(s, s.T, axis=0)"),
    "poly1d": ("np.poly1d([2.0, 1.0])(v)",),
}
_A, _P = "(s + 3 * np.eye(3) * [1, 2, 3])", "(s @ s.T + np.eye(3) * [1, 2, 4])"
LINALG: dict[str, tuple[str, ...]] = {
    "inv": (f"np.linalg.inv({_A})",),
    "det": (f"np.linalg.det({_A})", "np.linalg.det(s[None])"),
    "slogdet": (f"np.linalg.slogdet({_A})[1]",),
    "solve": (f"np.linalg.solve({_A}, v)", f"np.linalg.solve({_A}, n)"),
    "cholesky": (f"np.linalg.cholesky({_P})",),
    "eigh": (f"np.linalg.eigh({_P})[0]", f"np.linalg.eigh({_P})[1] ** 2"),
    "eigvalsh": (f"np.linalg.eigvalsh({_P})",),
    "eig": (f"np.linalg.eig({_P} + 0.1 * np.triu(s, 1))[0]",),
    "eigvals": (f"np.linalg.eigvals({_P} + 0.1 * np.triu(s, 1))",),
    "svd": (
        "np.linalg.svd(n, full_matrices=False)[1]",
        "np.linalg.svd(s)[0] ** 2",
        "np.linalg.svd(n, compute_uv=False)",
        "np.linalg.svd(s, hermitian=True)[0] ** 2",
        "np.linalg.svd(s, compute_uv=False, hermitian=True)",
    ),
    "svdvals": ("np.linalg.svdvals(n)",),
    "qr": ("np.linalg.qr(s)", "np.linalg.qr(n.T)", "np.linalg.qr(s, mode='r')"),
    "pinv": (
        "np.linalg.pinv(n)",
        "np.linalg.pinv(n, 1e-9)",
        "np.linalg.pinv(n, rtol=1e-9)",
        "np.linalg.pinv(s, hermitian=True)",
    ),
    "lstsq": ("np.linalg.lstsq(n.T, k[:4])[0]", "np.linalg.lstsq(n.T, k[:4], rcond=1e-9)[1]"),
    "matrix_power": (f"np.linalg.matrix_power({_A}, 3)", f"np.linalg.matrix_power({_A}, -2)"),
    "multi_dot": ("np.linalg.multi_dot([m, s, n])",),
    "tensorinv": (f"np.linalg.tensorinv({_A}, 1)",),
    "tensorsolve": (f"np.linalg.tensorsolve({_A}, v)",),
    "cond": (f"np.linalg.cond({_A})", f"np.linalg.cond({_A}, 'fro')"),
    "norm": (
        "np.linalg.norm(v)",
        "np.linalg.norm(m)",
        "np.linalg.norm(v, 1)",
        "np.linalg.norm(m, axis=1)",
        "np.linalg.norm(m, 'nuc')",
        "np.linalg.norm(m, 2)",
        "np.linalg.norm(v, 3)",
        "np.linalg.norm(m, np.inf, keepdims=True)",
        "np.linalg.norm(v, x)",
        "np.linalg.norm(m, -y, axis=0)",
    ),
    "vector_norm": (
        "np.linalg.vector_norm(m)",
        "np.linalg.vector_norm(m, axis=0, ord=3)",
        "np.linalg.vector_norm(m, ord=y)",
    ),
    "matrix_norm": ("np.linalg.matrix_norm(c)", "np.linalg.matrix_norm(m, ord=1)"),
    "trace": ("np.linalg.trace(c)",),
    "diagonal": ("np.linalg.diagonal(c)",),
    "cross": ("np.linalg.cross(v, u)",),
    "outer": ("np.linalg.outer(v, u)",),
    "matmul": ("np.linalg.matmul(m, n)",),
    "vecdot": ("np.linalg.vecdot(m, v)",),
    "tensordot": ("np.linalg.tensordot(m, n, axes=1)",),
    "matrix_transpose": ("np.linalg.matrix_transpose(c)",),
}
_Z = "(m + 1j * p)"
COMPLEX: dict[str, tuple[str, ...]] = {
    "real": ("np.real(m)", f"np.real({_Z} ** 2)"),
    "imag": (f"np.imag({_Z} ** 2)",),
    "angle": (f"np.angle({_Z})", f"np.angle({_Z} ** 2, deg=True)"),
    "real_if_close": ("np.real_if_close(m)",),
}
FFT: dict[str, tuple[str, ...]] = {
    **{
        name: (
            f"np.abs(np.fft.{name}(k))",
            f"np.real(np.fft.{name}(m, axis=0)) * q",
            f"np.imag(np.fft.{name}({_Z}, 4))",
        )
        for name in ("fft", "ifft")
    },
    **{
        name: (f"np.abs(np.fft.{name}(n))", f"np.real(np.fft.{name}({_Z}))")
        for name in ("fft2", "ifft2", "fftn", "ifftn")
    },
    **{
        name: (f"np.abs(np.fft.{name}(n))", f"np.real(np.fft.{name}(m, norm='ortho'))")
        for name in ("rfft", "rfft2", "rfftn", "ihfft")
    },
    **{
        name: (f"np.fft.{name}(n + 1j * n ** 2)", f"np.fft.{name}(n, norm='forward')")
        for name in ("irfft", "irfft2", "irfftn", "hfft")
    },
    "fftshift": ("np.fft.fftshift(m)", "np.fft.fftshift(c, axes=1)"),
    "ifftshift": ("np.fft.ifftshift(k)",),
    "fftfreq": ("np.fft.fftfreq(5, x)",),
    "rfftfreq": ("np.fft.rfftfreq(6, d=x)",),
}
METHODS: dict[str, tuple[str, ...]] = {
    "T": ("c.T",),
    "mT": ("c.mT",),
    "real": ("m.real", "((m + 1j * p) ** 2).real"),
    "imag": ("((m + 1j * p) ** 2).imag",),
    "flat": (
        "[each * each for each in m.flat]",
        "m.flat[4] * m.flat[1:3]",
        "put(m, lambda t: t.flat.__setitem__(2, x))",
        "put(m, lambda t: t.flat.__setitem__(slice(None), m.T.flat))",
        "put(v, lambda t: t.__setitem__(slice(None), (v * v).flat))",
        "put(v, lambda t: t.__iadd__((v * v).flat))",
        "m.flat.copy()",
        "np.c_[m.flat, m.T.flat]",
        "np.array(m.flat) * m.T.flat",
    ),
    "astype": ("m.astype(np.float64, copy=False)", "m.astype(np.float32).astype(float)"),
    "clip": ("c.clip(-0.5, 0.5)", "c.clip(max=x)"),
    "compress": ("m.compress([True, False, True], axis=1)",),
    "conj": ("m.conj()",),
    "conjugate": ("m.conjugate()",),
    "copy": ("m.copy()", "m.copy('F')"),
    "cumprod": ("c.cumprod(axis=1)",),
    "cumsum": ("c.cumsum(axis=1)", "put(v, lambda t: v.cumsum(out=t))"),
    "diagonal": ("s.diagonal(1)",),
    "dot": ("m.dot(n)",),
    "fill": ("put(m, lambda t: t.fill(x))",),
    "flatten": ("c.flatten()", "c.flatten('F')"),
    "item": ("m.item(4)", "m.item(1, 2)", "z.item()"),
    "max": ("c.max(axis=(0, 1))", "c.max(1, initial=x)"),
    "mean": ("c.mean(axis=(0, 1), keepdims=True)", "c.mean(1, where=c > -0.3)"),
    "min": ("c.min(axis=1)",),
    "partition": ("put(k, lambda t: t.partition(2))",),
    "prod": ("c.prod(axis=1)",),
    "put": ("put(m, lambda t: t.put([0, 4], v))",),
    "ravel": ("c.ravel()", "c.ravel('F')"),
    "repeat": ("m.repeat(2, axis=0)",),
    "reshape": ("c.reshape(4, 6)", "c.reshape((4, 6), order='F')"),
    "round": ("m.round(1) * m",),
    "sort": ("put(m, lambda t: t.sort())", "put(m, lambda t: t.sort(axis=0))"),
    "squeeze": ("q.squeeze()",),
    "std": ("c.std(axis=1, ddof=1)",),
    "sum": ("c.sum(axis=(0, 2))", "c.sum(1, initial=x)", "put(v, lambda t: s.sum(axis=0, out=t))"),
    "swapaxes": ("c.swapaxes(0, 1)",),
    "take": ("m.take([0, 2, 0], axis=1)",),
    "tolist": (
        "m.tolist()",
        "z.tolist() * x",
        "[t * t for row in c.tolist() for line in row for t in line]",
    ),
    "to_device": ("m.to_device('cpu')",),
    "trace": ("s.trace(1)",),
    "transpose": ("c.transpose(1, 0, 2)", "c.transpose()"),
    "var": ("c.var(axis=1)",),
    "view": ("m.view() * v",),
}
MATH: dict[str, tuple[str, ...]] = {
    **{
        name: (f"math.{name}(x)", f"math.{name}(0.3 * y) * x")
        for name in (
            "asinh atan cbrt ceil cos cosh degrees erf erfc exp exp2 expm1 fabs floor gamma lgamma log log10 log1p log2 "
            "radians sin sinh sqrt tan tanh trunc"
        ).split()
    },
    **{name: (f"math.{name}(y)",) for name in ("acos", "asin", "atanh")},
    "acosh": ("math.acosh(x)",),
    **{
        name: (f"math.{name}(x, y)",)
        for name in ("atan2", "copysign", "fmod", "hypot", "pow", "remainder", "nextafter")
    },
    "dist": ("math.dist((x, 1.0), (y, x))",),
    "fma": ("math.fma(x, y, x)",),
    "frexp": ("math.frexp(x)[0]",),
    "fsum": ("math.fsum([x, y, x])",),
    "ldexp": ("math.ldexp(x, 3)",),
    "modf": ("math.modf(x)",),
    "prod": ("math.prod([x, y, 2.0], start=x)",),
    "sumprod": ("math.sumprod([x, y], [y, 2.0])",),
}
