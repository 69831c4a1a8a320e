"""Whose code a frame runs: the user's, a library's, or edgegrad's own; and where that is, for a message."""

from __future__ import annotations

import os.path
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType

OWN_FILES = os.path.split(__file__)[0]
_LIBRARIES = sys.stdlib_module_names | {"numpy", "scipy"}
# Their code hands arrays on to functions in C, which take nothing else.
_TAKE_PLAIN_ARRAYS = _LIBRARIES | set(
    "tracer viz scipy pandas matplotlib sklearn torch jax autograd numba".split()
)
# But these are plain Python, which fills arrays as programs do (SciPy's are private names).
_FILLING = (
    "numpy.polynomial.",
    "scipy.integrate._quadrature",
    "scipy.integrate._ivp.",
    "scipy._external.array_api_",
    "scipy._lib.array_api_",
)
# Where NumPy keeps masked arrays and matrices, for which a program writes np.ma. and np.
_OF_NUMPY = r"^numpy\.(ma\.|)(core|extras|matrixlib\.defmatrix)\."
# NumPy's functions under the names of the array API: what they make is for whoever calls them, but in one that fills.
_WRAPPING = ("scipy._external.array_api_compat", "scipy._lib.array_api_compat")
_FILLS = "clip"


def is_own(filename: str) -> bool:
    """Tell whether a file is one of edgegrad's own."""
    return filename.startswith(OWN_FILES)


def beyond_own(frame: FrameType) -> FrameType:
    """Return the nearest frame that is not edgegrad's own."""
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OWN_FILES):
        frame = frame.f_back
    return frame


def wants_plain_arrays(frame: FrameType) -> bool:
    """Tell whether a frame is of a library that needs real arrays for its own work."""
    name = str(frame.f_globals.get("__name__"))
    while name.startswith(_WRAPPING) and frame.f_code.co_name != _FILLS and frame.f_back is not None:
        frame = frame.f_back
        name = str(frame.f_globals.get("__name__"))
    return is_library(name) and not name.startswith(_FILLING)


def only_shows(frame: FrameType) -> bool:
    """Tell whether a frame is of a library that draws numbers, or of NumPy for one: what it makes is a picture."""
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("numpy."):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "matplotlib"


def is_library(module: str) -> bool:
    """Tell whether a module is of a library that is known to do its own work on plain numbers."""
    return module.partition(".")[0] in _TAKE_PLAIN_ARRAYS


def is_installed(module: str, file: str) -> bool:
    """Tell whether a module is such a library, or was installed as others are: it is no program of the user's."""
    return is_library(module) or "site-packages" in file


def users(frame: FrameType) -> FrameType:
    """Return the nearest frame that is the user's, and no library's: what a message should name."""
    found: FrameType | None = frame
    while found is not None:
        if _is_users(found):
            return found
        found = found.f_back
    return frame


def _is_users(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return package not in _LIBRARIES and not frame.f_code.co_filename.startswith(OWN_FILES)


def raised_at(error: BaseException | None) -> tuple[CodeType, int] | None:
    """Return the user's code and its instruction that an exception came out of; None where it was not the user's."""
    found, traceback = None, error.__traceback__ if error is not None else None
    while traceback is not None:
        if _is_users(traceback.tb_frame):
            found = traceback.tb_frame.f_code, traceback.tb_lasti
        traceback = traceback.tb_next
    return found


def library_function(frame: FrameType) -> str:
    """Name the function of a library that the user called, and that led to a frame; the user's own has no name here."""
    found, name, end = frame, "", users(frame)
    while found is not end and found.f_back is not None:
        module = re.sub(r"\._.*", "", str(found.f_globals.get("__name__")))  # where it is public
        function = re.sub(r"\.(<locals>.*|__\w+__$)", "", found.f_code.co_qualname)
        if not is_own(found.f_code.co_filename) and hasattr(
            sys.modules.get(module), function.partition(".")[0]
        ):
            name = f"{module}.{function}"
        found = found.f_back
    return re.sub(_OF_NUMPY, r"np.\1", name)


def place(frame: FrameType, thread: int | None = None) -> str:
    """Say where a frame is, or the user's code that called it, as `file:line`, for a message.

    Where nobody of the user's did, as in a thread of a library's, where the user's code in another thread is.
    """
    frame = users(frame)
    if thread is not None and not _is_users(frame):
        frame = users(sys._current_frames().get(thread, frame))  # noqa: SLF001  (the only way to another thread)
    return f"{os.path.split(frame.f_code.co_filename)[1]}:{frame.f_lineno}"
