"""What is typed on a command line, FILE.py[:FUNC] and NAME=VALUE, -> a function and its arguments. Used by cli.py."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import inspect
import operator
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import ProgramError, UsageError
from tracer.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, ModuleType

TRACE_SUFFIX = ".trace"
_SHOWN_VALUE = 60
_DEBUG = "--debug shows the whole traceback"


@contextmanager
def program_folder(file: Path) -> Iterator[None]:
    """Let the program at `file` import its neighbours, as Python does for the file that it runs."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def split_target(target: str) -> tuple[Path, str]:
    """Split FILE.py[:FUNC]; FUNC is empty without one. Raises UsageError where there is no such file."""
    file, colon, name = target.rpartition(":")
    if not colon or "/" in name or "\\" in name or name.endswith(".py"):
        file, name = target, ""
    path = Path(file)
    if path.is_file():
        return path, name
    if path.is_dir():
        raise UsageError(f"{file} is a folder", advice="name a Python file: FILE.py or FILE.py:FUNCTION")
    close = close_file(path)
    raise UsageError(f"there is no file {file}", advice=_did_you_mean(close))


def close_file(path: Path) -> list[str]:
    """Return the file of the same kind in the same folder whose name is nearest, if one is near."""
    neighbours = {each.stem: each for each in sorted(path.parent.glob(f"*{path.suffix}"))}
    return [str(neighbours[stem]) for stem in difflib.get_close_matches(path.stem, neighbours, n=1)]


def load_function(file: Path, name: str) -> Callable[..., Any]:
    """Import a file and return a function of it: the one that is named, or the only one with @trace.

    What stands below `if __name__ == "__main__"` does not run. Raises ProgramError where the import fails, UsageError
    where the function isn't there. Call it within `program_folder`.
    """
    module = _import_file(file)
    return _named(module, file, name) if name else _only_traced(module, file)


def _import_file(file: Path) -> ModuleType:
    """Run a file as a module of its own name, in `sys.modules` as any import would put it."""
    path = file.resolve()
    name = path.stem
    present = sys.modules.get(name)
    if present is not None and getattr(present, "__file__", None) != str(path):
        name = f"{name}_traced"  # the file is called like a module that is in use: random.py, tracer.py
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is no Python file", advice="name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # Compiled here, not by the loader, which would leave a __pycache__ beside the user's file.
        exec(_compiled(path), module.__dict__)  # noqa: S102  (running the user's program is what was asked for)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        where, text = _last_line(error, path)
        raise ProgramError(
            f"{file} can't be imported", where=where, got=f"{described(error)}{text}", advice=_DEBUG
        ) from error
    return module


def _compiled(path: Path) -> CodeType:
    code: CodeType = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    return code


def described(error: BaseException) -> str:
    """Write an exception's type and text on one line."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    line = " ".join(text.split())
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _last_line(error: BaseException, path: Path) -> tuple[str, str]:
    """Return file:line of the exception and the code there: the last line of the user's own, if there is one."""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{Path(error.filename).name}:{error.lineno}"
        return place, _quoted(error.text or "")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == path.parent]
    if not own:
        return "", ""
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}", _quoted(own[-1].line or "")


def place_of(error: BaseException, function: Any) -> str:
    """Name the line of the user's file, or of its neighbours, at which an exception came out of a function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return _last_line(error, Path(code.co_filename))[0] if code is not None else ""


def _quoted(code: str) -> str:
    return f" in `{' '.join(code.split())}`" if code.strip() else ""


def _named(module: ModuleType, file: Path, name: str) -> Callable[..., Any]:
    try:
        found = operator.attrgetter(name)(module)
    except AttributeError:
        known = _functions(module)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        raise UsageError(
            f"{file} has no function {name}",
            advice=_did_you_mean(close) or f"its functions are {', '.join(known) or 'none'}",
        ) from None
    if not callable(found):
        raise UsageError(f"{name} in {file} is no function", got=f"got {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


def _only_traced(module: ModuleType, file: Path) -> Callable[..., Any]:
    from tracer.run import is_decorated  # noqa: PLC0415  (what --help need not wait for)

    functions = _functions(module)
    traced = [name for name, function in functions.items() if is_decorated(function)]
    if len(traced) == 1:
        return functions[traced[0]]
    if traced:
        raise UsageError(
            f"{file} has {len(traced)} traced functions",
            got=", ".join(traced),
            advice=f"choose one: {file}:{traced[0]}",
        )
    raise UsageError(
        f"{file} has no traced function",
        got=f"its functions are {', '.join(functions)}" if functions else "it defines no function",
        advice=f"put @trace on one, or name one: {file}:{_likely(functions, file)}",
    )


def _likely(functions: Iterable[str], file: Path) -> str:
    """Return the first of a file's functions that none of them decorates, or calls; else the first."""
    helpers = {
        each.id
        for function in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for each in ast.walk(function)
        if isinstance(each, ast.Name) and each.id != function.name
    }
    return next((name for name in functions if name not in helpers), next(iter(functions), "FUNCTION"))


def _functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the functions that a module defines itself, in its order."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isroutine(inspect.unwrap(value) if callable(value) else value)
        and getattr(value, "__module__", None) == module.__name__
    }


def arguments(
    function: Callable[..., Any], settings: Iterable[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Turn NAME=VALUE texts into the arguments of a call.

    A value is a Python literal or np.array of one, or @FILE.npy for an array. Raises UsageError for a text that can't
    be read, a name that the function does not take, and a parameter without default that is not given.
    """
    values: dict[str, Any] = {}
    for name, value in map(_setting, settings):
        if name in values:
            raise UsageError(f"{name} is given twice", advice=f"give one value: {name}=…")
        values[name] = value
    signature = signature_of(function)
    parameters = signature.parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    described_call = f"{_name(function)}{signature_text(signature)}"
    for name in values:
        if name not in parameters and not takes_any:
            close = difflib.get_close_matches(name, parameters, n=1, cutoff=0.4)
            raise UsageError(
                f"{_name(function)} takes no argument {name}",
                got=f"it is {described_call}",
                advice=_did_you_mean(close),
            )
    positional: list[Any] = []
    keywords = {name: value for name, value in values.items() if name not in parameters}
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            extra = values.get(name, ())
            if not isinstance(extra, (tuple, list)):
                raise UsageError(
                    f"*{name} takes a list", got=f"got {extra!r}", advice=f"write {name}=[1.0, 2.0]"
                )
            positional += extra
        elif parameter.kind is parameter.VAR_KEYWORD:
            keywords.update(values.get(name, {}))
        elif name not in values and parameter.default is parameter.empty:
            raise UsageError(
                f"{_name(function)} needs a value for {name}",
                got=f"it is {described_call}",
                advice=f"give one: {name}=2.0; for an array, {as_array(name)}",
            )
        elif parameter.kind is parameter.KEYWORD_ONLY:
            keywords[name] = values.get(name, parameter.default)
        else:
            positional.append(values.get(name, parameter.default))
    return tuple(positional), keywords


def signature_text(signature: inspect.Signature) -> str:
    """Write the parameters of a function in one short line."""
    shown = []
    for name, parameter in signature.parameters.items():
        star = "*" * (
            (parameter.kind is parameter.VAR_POSITIONAL) + 2 * (parameter.kind is parameter.VAR_KEYWORD)
        )
        shown.append(f"{star}{name}{_default(parameter.default)}")
    return f"({', '.join(shown)})"


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    text = repr(value) if isinstance(value, (bool, int, float, str, type(None))) else "…"
    return f"={text}" if len(text) <= _SHOWN_VALUE else "=…"


def _name(function: Any) -> str:
    name: str = getattr(function, "__name__", type(function).__name__)
    return name


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(
            f"{text!r} is no argument",
            advice="arguments are NAME=VALUE, as in x=2.0 or 'W=[[1.0, 2.0]]' or W=@weights.npy",
        )
    return name, read_value(name, value)


def read_value(name: str, text: str) -> Any:
    """Read what stands behind NAME= or an option: a Python literal, np.array of one, or @FILE.npy.

    Raises UsageError.
    """
    return _array(name, text.removeprefix("@")) if text.startswith("@") else _literal(name, text)


class _Written(ast.NodeTransformer):
    """Read `nan`, `inf` and `np.array([1.0, 2.0])`, as Python and NumPy write them, as what they are."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(float(node.id)) if node.id in ("nan", "inf") else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(ast.Name("array") | ast.Attribute(ast.Name("np"), "array"), [items], []):
                import numpy as np  # noqa: PLC0415  (only where an array is read)

                array: Any = np.array(ast.literal_eval(self.visit(items)))
                return ast.Constant(array)
        return node


def _literal(name: str, text: str) -> Any:
    try:
        return ast.literal_eval(_Written().visit(ast.parse(text.lstrip(" \t"), mode="eval")))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        shown = text if len(text) <= _SHOWN_VALUE else text[:_SHOWN_VALUE] + "…"
        raise UsageError(
            f"the value of {name} is no Python literal",
            got=f"got {shown!r}",
            advice=f"""write {name}=2.0, {name}='[1.0, 2.0]', {name}="'text'", {as_array(name)}"""
            if name.isidentifier()
            else f"write {name} 2.0, {name} '[1.0, 2.0]', or {name} @array.npy",
        ) from None


def _array(name: str, file: str) -> Any:
    import numpy as np  # noqa: PLC0415  (only where an array is read)

    try:
        array = np.load(file, allow_pickle=False)
    except OSError as error:
        raise UsageError(
            f"the array of {name} can't be read", got=f"{file}: {error.strerror or error}"
        ) from None
    except (ValueError, EOFError):
        raise UsageError(
            f"the array of {name} can't be read",
            got=f"{file} is no .npy file of numbers",
            advice="write one with numpy.save",
        ) from None
    if not isinstance(array, np.ndarray):
        raise UsageError(
            f"the array of {name} can't be read",
            got=f"{file} holds several arrays",
            advice="save one with numpy.save",
        )
    return array


def as_array(name: str) -> str:
    """Return how an array is given for a parameter."""
    return f"{name}='np.array([1.0, 2.0])' or {name}=@array.npy"


def _did_you_mean(close: list[str]) -> str:
    return f"did you mean {close[0]}?" if close else ""
