"""What has no derivative, makes no use of values, is cut, or is an error with its reason."""

from __future__ import annotations

# Calls whose answers don't change with small changes of the operands.
PLAIN: dict[str, tuple[str, ...]] = {
    **{
        name: (f"np.{name}(m)",)
        for name in (
            "shape ndim size argmax argmin argsort nonzero flatnonzero argwhere count_nonzero any all iscomplexobj isrealobj "
            "isscalar zeros_like ones_like result_type min_scalar_type array_repr array_str array2string iscomplex "
            "isreal isneginf isposinf isnan isinf isfinite signbit logical_not isfortran common_type iterable nanargmax nanargmin"
        ).split()
    },
    **{
        name: (f"np.{name}(m, v)",)
        for name in (
            "equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor isclose allclose "
            "array_equal array_equiv may_share_memory shares_memory isin"
        ).split()
    },
    "empty_like": ("np.empty_like(m).shape",),
    "spacing": ("np.spacing(p + 0.03) > 0",),
    "lexsort": ("np.lexsort(m)",),
    "argpartition": ("np.argpartition(k, 2)",),
    "searchsorted": ("np.searchsorted(np.sort(k), v)", "np.searchsorted([0.0, 1.0], v)"),
    "digitize": ("np.digitize(v, [0.0, 1.0])", "np.digitize([0.5], np.sort(k))"),
    "can_cast": ("np.can_cast(m.dtype, np.float32)",),
    "einsum_path": ("np.einsum_path('ij,jk', m, n)[0]",),
    "diag_indices_from": ("np.diag_indices_from(s)",),
    "tril_indices_from": ("np.tril_indices_from(s)",),
    "triu_indices_from": ("np.triu_indices_from(s)",),
    "unravel_index": ("np.unravel_index(np.argmax(m), m.shape)",),
    "ravel_multi_index": ("np.ravel_multi_index(([0, 1], [1, 2]), m.shape)",),
    "in1d": ("np.isin(m, v)",),
    "linalg.matrix_rank": ("np.linalg.matrix_rank(s)",),
    **{f"ndarray.{name}": (f"m.{name}()",) for name in "all any argmax argmin argsort nonzero".split()},
    "ndarray.argpartition": ("k.argpartition(2)",),
    "ndarray.searchsorted": ("np.sort(k).searchsorted(0.3)",),
    **{
        f"ndarray.{name}": (f"m.{name}",)
        for name in "shape ndim size dtype nbytes itemsize strides device".split()
    },
    "ndarray.flags": ("m.flags.c_contiguous",),
    "ndarray.setflags": ("m.setflags(write=True)",),
    "math.isfinite": ("math.isfinite(x)",),
    "math.isinf": ("math.isinf(x)",),
    "math.isnan": ("math.isnan(x)",),
    "math.isclose": ("math.isclose(x, y)",),
    "math.ulp": ("math.ulp(x) > 0",),
}
_INTEGERS = "takes whole numbers alone"
_TYPES = (
    "a type, or about types; called with a traced number it is a cut (np.array(x, np.float64)[()] is followed): what could "
    "follow it would not be the type that `type(x) is np.float64` and dtype=np.float64 mean"
)
_FILES = "reads files, buffers or text"
_SETTINGS = "settings, tests and information"
_SIZES = "made of sizes and whole numbers alone"
_TEXT = "dates or text"
_GONE = "taken out of NumPy 2.0: AttributeError"
# Functions that make no use of the values of float arrays, by reason.
UNUSED: dict[str, str] = {
    _INTEGERS: "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_invert bitwise_count bitwise_left_shift "
    "bitwise_right_shift invert left_shift right_shift gcd lcm packbits unpackbits base_repr binary_repr math.comb "
    "math.factorial math.gcd math.isqrt math.lcm math.perm ndarray.choose",
    _TYPES: "bool bool_ byte bytes_ cdouble character clongdouble complex128 complex192 complex256 complex512 complex64 "
    "complexfloating csingle datetime64 double dtype flexible float128 float96 float256 float16 float32 float64 "
    "floating generic half inexact int16 int32 int64 int8 int_ intc integer intp long longdouble longlong number object_ "
    "record short signedinteger single str_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong "
    "ulonglong unsignedinteger ushort void finfo iinfo isdtype issubdtype mintypecode promote_types typename ufunc "
    "ndarray flatiter recarray memmap linalg.LinAlgError broadcast_shapes busdaycalendar",
    _FILES: "from_dlpack frombuffer fromfile fromregex fromstring genfromtxt load loadtxt",
    _SETTINGS: "errstate get_include get_printoptions getbufsize geterr geterrcall info printoptions set_printoptions "
    "setbufsize seterr seterrcall show_config show_runtime test linalg.test fft.test",
    _SIZES: "bartlett blackman hamming hanning empty eye identity indices mask_indices ndindex ones tri "
    "tril_indices triu_indices diag_indices zeros",
    _GONE: "ndarray.itemset ndarray.newbyteorder ndarray.ptp",
    _TEXT: "busday_count busday_offset datetime_as_string datetime_data is_busday isnat",
}
# Calls through which values leave: a cut node, with a warning that names the line.
CUT: dict[str, tuple[str, ...]] = {
    "kaiser": ("np.kaiser(5, x)",),
    "nested_iters": ("np.nested_iters(m, [[0], [1]])",),
    "broadcast": ("np.broadcast(m, v).shape",),
    "format_float_positional": ("np.format_float_positional(x)",),
    "format_float_scientific": ("np.format_float_scientific(x)",),
    "ndarray.tobytes": ("m.tobytes()",),
    "ndarray.data": ("m.data",),
    "ndarray.dump": ("m.dump(io.BytesIO())",),
    "ndarray.dumps": ("m.dumps()",),
    "ndarray.tofile": ("m.tofile(os.devnull)",),
    "save": ("np.save(io.BytesIO(), m)",),
    "savetxt": ("np.savetxt(io.BytesIO(), m)",),
    "savez": ("np.savez(io.BytesIO(), m)", "np.savez(io.BytesIO(), a=m)"),
    "savez_compressed": ("np.savez_compressed(io.BytesIO(), m)",),
}
_BITS = "reads the bits of the numbers, or shares them with what can't be followed"
_MATRIX = "makes an np.matrix, a class that NumPy advises against"
ERRORS: dict[str, tuple[str, str]] = {
    "frompyfunc": (
        "np.frompyfunc(lambda t: t * t, 1, 1)(m)",
        "gives an array of objects; np.vectorize does the same, and is followed",
    ),
    "asmatrix": ("np.asmatrix(m)", _MATRIX),
    "matrix": ("np.matrix(m)", _MATRIX),
    "bmat": ("np.bmat([[m, m]])", _MATRIX),
    "ndarray.byteswap": ("m.byteswap()", _BITS),
    "ndarray.getfield": ("m.getfield(np.float32)", _BITS),
    "ndarray.setfield": ("m.setfield(1, np.float32)", _BITS),
    "ndarray.base": ("m.base", _BITS),
    "ndarray.ctypes": ("m.ctypes", _BITS),
    "ndarray.resize": (
        "m.resize((3, 3))",
        "changes the shape of the memory in place; np.resize and reshape are followed",
    ),
}
