"""scipy.linalg and scipy.fft, followed where a program has imported them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.fftpack
import scipy.linalg
from checks import assert_differentiates, assert_untouched
from scipy_inputs import REGULAR, SIDES, VECTOR, since

from tracer import record


def gaussian_process(a, y):
    factor = scipy.linalg.cho_factor(a @ a.T + np.eye(3), lower=True)
    return y @ scipy.linalg.cho_solve(factor, y) + 2 * np.log(np.diag(factor[0])).sum()


def older(kind, number, norm):
    """Return a transform of scipy.fftpack, whose inverses do not divide."""
    transform = getattr(scipy.fftpack, kind)
    return lambda a: transform(a[0], number, norm=norm) @ [1.0, 2.0, 4.0]


@pytest.mark.filterwarnings("ignore:.*as of SciPy 1.18:DeprecationWarning")
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (
            lambda a, b: scipy.linalg.solve(a * 2, b, overwrite_a=True).sum(),
            (np.asfortranarray(REGULAR), SIDES),
        ),
        (lambda a: scipy.linalg.inv(a)[0, 1] + scipy.linalg.det(a=a), (REGULAR,)),
        (lambda a: scipy.linalg.cholesky(a @ a.T)[0, 2] * scipy.linalg.norm(a), (REGULAR,)),
        (lambda a: scipy.linalg.cholesky(a @ a.T, lower=True).sum(), (REGULAR,)),
        (gaussian_process, (REGULAR, VECTOR)),
        (lambda a, b: scipy.linalg.solve_triangular(a, b, 1, lower=True).sum(), (REGULAR, SIDES)),
        (lambda a: scipy.linalg.expm(a / 3)[0].sum() + scipy.linalg.sqrtm(a)[1, 2], (REGULAR,)),
        (lambda a: scipy.linalg.logm(a @ a.T)[1].sum(), (REGULAR,)),
        (
            lambda a: (scipy.linalg.eigh(a + a.T)[1] ** 2)[0, 1] + scipy.linalg.eigvalsh(a + a.T)[0],
            (REGULAR,),
        ),
        (lambda a: scipy.linalg.svd(a)[1] @ scipy.linalg.svdvals(a) ** 2, (REGULAR,)),
        (lambda a: scipy.linalg.pinv(a).sum(), (SIDES,)),
        (
            lambda a: (
                sum(part.sum() for part in scipy.linalg.lu(a)[1:]) + scipy.linalg.lu(a, True)[0][1, 0]
            ),
            (REGULAR,),
        ),
        (lambda a: (scipy.linalg.lu(a * 1j, p_indices=True)[2] ** 2).real.sum(), (REGULAR,)),
        (
            lambda a, b: scipy.linalg.lu_solve(scipy.linalg.lu_factor(a, True), b, trans=1).sum(),
            (REGULAR, SIDES),
        ),
        (
            lambda a: scipy.linalg.qr(a)[0][0, :2] @ scipy.linalg.qr(a[:, :2], mode="economic")[1][0],
            (REGULAR[:, :1].T @ REGULAR + REGULAR,),
        ),
        (lambda a: (scipy.linalg.qr(a, pivoting=True)[1] ** 2)[:, 1:].sum(), (REGULAR,)),
        (lambda a: scipy.linalg.qr(a * a[0], pivoting=True, mode="r")[0][0].sum(), (REGULAR,)),
        (lambda a: (scipy.linalg.qr(a[:, :2], mode="r")[0] * REGULAR[:, :2]).sum(), (REGULAR,)),
        (
            lambda a: sum(
                (part[::-1] * (1 + number)).sum()
                for number, part in enumerate(scipy.linalg.qr(a[:, :2], False, None, "economic", True)[:2])
            ),
            (REGULAR,),
        ),
        (
            lambda a: (
                scipy.linalg.qr(a[:2], pivoting=True)[0][0].sum()
                * scipy.linalg.qr(a[:2], pivoting=True)[2][0]
            ),
            (REGULAR,),
        ),
        (
            lambda a: scipy.linalg.qr(a, mode="r")[0].sum() + scipy.linalg.det(a * 1, True, False),
            (REGULAR,),
        ),
        (lambda a, b: scipy.linalg.solve(a @ a.T, b, assume_a="pos").sum(), (REGULAR, SIDES)),
        (
            lambda a, b: scipy.linalg.solve(a, b, True, assume_a="sym").sum(),
            (REGULAR, SIDES),
        ),
        since(
            1,
            17,
            lambda a: scipy.linalg.inv(a, True, assume_a="her")[0, 1],
            (REGULAR,),
            why="inv has no assume_a",
        ),
        (
            lambda c: (scipy.linalg.toeplitz(c, c[1:] ** 2) @ scipy.linalg.toeplitz([c[0], 2.0])[:1]).sum(),
            (SIDES[0],),
        ),
        (
            lambda c: (
                scipy.linalg.hankel(c) @ scipy.linalg.circulant(c) * scipy.linalg.block_diag(c, 2.0)[0, 1]
            ).sum(),
            (VECTOR,),
        ),
        (
            lambda a: (
                np.abs(scipy.fft.fft(a * 1, 4, 0, "ortho", True)).sum()
                + scipy.fft.rfft2(a, workers=1).real.sum()
            ),
            (REGULAR,),
        ),
        (
            lambda a: (
                scipy.fft.irfftn(a, s=(4,)).sum()
                + scipy.fft.hfft(a[0], n=4).sum()
                + scipy.fft.ifftn(a, 2, 0).real.sum()
            ),
            (REGULAR,),
        ),
        (
            lambda a: (scipy.fft.dct(a, 3, n=4, axis=0) ** 2).sum() * scipy.fft.idst(a[0], norm="ortho")[1],
            (REGULAR,),
        ),
        (
            lambda a: (
                (scipy.fft.idctn(a, s=[2], axes=[1], overwrite_x=False) ** 2).sum()
                + scipy.fft.dstn(a, 1)[0, 1] * scipy.fft.dctn(a, s=2, axes=1)[0, 1]
            ),
            (REGULAR,),
        ),
        (
            lambda a: (
                (scipy.fftpack.dct(a * 1, 2, 4, 0, "ortho", True)[:2] ** 2).sum()
                * scipy.fftpack.idst(x=a[0], n=2)[1]
                + scipy.fftpack.dctn(a, 3, (2, 2), norm="ortho")[1, 0]
                + scipy.fftpack.idctn(a * 1, shape=[2], axes=[1], overwrite_x=True)[0, 1]
            ),
            (REGULAR,),
        ),
        (
            lambda a: (
                np.abs(scipy.fftpack.fft(a * 1, 4, 0, True)).sum()
                + scipy.fftpack.ifft2(a, shape=(2, 3)).imag[0, 1]
                + np.abs(scipy.fftpack.fftn(x=a, shape=(4, 2)) ** 2).sum()
                + np.abs(scipy.fftpack.ifft(scipy.fftpack.fft(a) * 1j)).sum()
            ),
            (REGULAR,),
        ),
        *(
            (older(kind, number, norm), (REGULAR,))
            for kind in ("dct", "idct", "dst", "idst")
            for number in (1, 2, 3, 4)
            for norm in (None, "ortho")
        ),
        (lambda a: scipy.linalg.sinm(a / 3)[0].sum(), (REGULAR,)),  # made of expm
    ],
)
def test_linear_algebra_is_followed(function, arguments):
    assert_untouched(function, *arguments)
    assert_differentiates(function, *arguments)


def test_what_may_be_overwritten_is_not():
    def kept(b, *, overwritten):
        c = b[::-1] * 3
        solved = scipy.linalg.solve(REGULAR, c, overwrite_b=overwritten)
        return solved @ c + np.median(c, overwrite_input=overwritten) * c[0]

    expected = record(kept, VECTOR, overwritten=False)
    finished = record(kept, VECTOR, overwritten=True)
    assert finished.result == expected.result
    np.testing.assert_array_equal(finished.grads["b"], expected.grads["b"])
