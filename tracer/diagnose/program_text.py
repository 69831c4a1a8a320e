"""The text of a program as a tree whose parents are known: its functions, expressions and their places.

Read by reading.py, which says what is done to a value, and by flow.py, which follows a number.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from tracer.source import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

_HUGE = 1e300
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_INNER = (*_FUNCTIONS, ast.ClassDef)
_GIVING = ("name", "asname", "rest")  # fields of what gives a variable something without an ast.Name
_READ_ALL = frozenset("eval exec locals vars dir".split())  # variables that are not named


class Text:
    """The text of one file, as a tree in which the parents are known."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = text.splitlines()
        try:
            self.tree: ast.Module = ast.parse(text)
        except (SyntaxError, ValueError):
            self.tree = ast.Module([], [])
        self.nodes = list(ast.walk(self.tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self._variables: dict[Function, Variables] = {}

    def expression(self, site: Site) -> ast.expr | None:
        """Return the expression at a place."""
        return next(self.expressions(site), None)

    def expressions(self, site: Site) -> Iterator[ast.expr]:
        """Yield the expressions that stand at a place; of `total += x` what is added."""
        for node in self.nodes:
            if (
                isinstance(node, (ast.expr, ast.AugAssign))
                and (node.lineno, node.end_lineno) == (site.line, site.end_line)
                and self._columns(node) == (site.column, site.end_column)
            ):
                yield node.value if isinstance(node, ast.AugAssign) else node

    def position(self, node: ast.expr | ast.stmt) -> tuple[int, int, int, int]:
        """Return the place of a node as a site has it: line, column, last line and the column where it ends."""
        column, end_column = self._columns(node)
        return node.lineno, column, node.end_lineno or node.lineno, end_column

    def loop_around(self, node: ast.AST) -> ast.For | ast.While | None:
        """Return the innermost loop that a node stands in, within its function."""
        above = self.parents.get(node)
        while above is not None and not isinstance(above, Function):
            if isinstance(above, (ast.For, ast.While)):
                return above
            above = self.parents.get(above)
        return None

    def function(self, qualified: str, parameter: str = "") -> Function | None:
        """Return the function of a name, as Python qualifies it, if there is only one (that has a parameter)."""
        name = qualified.rpartition(".")[2]
        found = [
            node
            for node in self.nodes
            if isinstance(node, Function)
            and getattr(node, "name", "<lambda>") == name
            and (not parameter or parameter in _parameters(node))
        ]
        if len(found) > 1:
            found = [node for node in found if self.qualified(node) == qualified]
        return found[0] if len(found) == 1 else None

    def variables_of(self, function: Function) -> Variables:
        """Return the variables that a function names, remembered: its text is read once."""
        if function not in self._variables:
            self._variables[function] = Variables(function)
        return self._variables[function]

    def readers_of(self, expression: str, base: str) -> Iterator[str]:
        """Yield the functions that read a name which is none of their own, or an attribute of it or of `self`."""
        if base in self._imports:
            return
        for node in self.nodes:
            function = self.enclosing(node)
            if not isinstance(node, ast.Name) or node.id != base or function is None:
                continue
            read: ast.AST = node
            while ast.unparse(read) != expression and isinstance(
                self.parents[read], (ast.Attribute, ast.Subscript)
            ):
                read = self.parents[read]
            above = self.parents[read]
            is_called = isinstance(above, ast.Call) and above.func is read
            is_own = base != "self" and (
                base in _parameters(function)
                or any(
                    not isinstance(each.ctx, ast.Load)
                    for each in self.variables_of(function).names_of(base)
                )
            )
            if ast.unparse(read) == expression != "self" and not is_called and not is_own:
                yield self.qualified(function)

    def calls_of(self, name: str) -> list[ast.Call]:
        """Return the calls of what has a name."""
        return self._calls.get(name, []) if name else []

    @cached_property
    def _calls(self) -> dict[str, list[ast.Call]]:
        calls: dict[str, list[ast.Call]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Call):
                calls.setdefault(called_name(node), []).append(node)
        return calls

    @cached_property
    def _imports(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module = ""
                if isinstance(
                    node, ast.ImportFrom
                ):  # relative ones keep their dots: `.json` is not Python's
                    module = "." * node.level + (f"{node.module}." if node.module else "")
                for each in node.names:
                    names[each.asname or each.name.partition(".")[0]] = (
                        module + each.name
                        if each.asname or isinstance(node, ast.ImportFrom)
                        else each.name.partition(".")[0]
                    )
        return names

    def module_of(self, called: ast.expr) -> str:
        """Return the package that something is imported from, which no variable hides; else nothing."""
        module, _, rest = self.imported_name(called).partition(".")
        while isinstance(called, ast.Attribute):
            called = called.value
        name = called.id if isinstance(called, ast.Name) else ""
        return module if rest and name in self._imports and not self._bound[name] else ""

    def binds(self, name: str) -> int:
        """Return at how many places the file gives something a name, as a variable, a function or an import."""
        return self._bound[name] + (name in self._imports) + ("*" in self._imports)

    def is_variable(self, name: str) -> bool:
        """Tell whether the file gives something a name otherwise than by an import."""
        return self._bound[name] > 0

    @cached_property
    def _bound(self) -> Counter[str]:
        names: Counter[str] = Counter()
        for node in self.nodes:
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names[node.id] += 1
            elif isinstance(node, ast.arg):
                names[node.arg] += 1
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names[node.name] += 1
        return names

    def imported_name(self, called: ast.expr) -> str:
        """Return the name of what is called as its module has it: scipy.optimize.brentq of `so.brentq`."""
        base, _, rest = ast.unparse(called).partition(".")
        return f"{self._imports.get(base, base)}.{rest}".rstrip(".")

    def enclosing(self, node: ast.AST) -> Function | None:
        """Return the function that something stands in: a default and a decorator are in what is around theirs."""
        path = [node]
        while (above := self.parents.get(path[-1])) is not None:
            if isinstance(above, Function) and _is_inside(above, path):
                return above
            path.append(above)
        return None

    def statement(self, node: ast.AST) -> ast.AST:
        """Return the statement that something stands in."""
        while not isinstance(node, ast.stmt) and node in self.parents:
            node = self.parents[node]
        return node

    def qualified(self, function: Function) -> str:
        """Return the name of a function as Python qualifies it."""
        parts: list[str] = []
        node: ast.AST | None = function
        while node is not None:
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                inner = ["<locals>"] if parts and not isinstance(node, ast.ClassDef) else []
                parts = [getattr(node, "name", "<lambda>"), *inner, *parts]
            node = self.parents.get(node)
        return ".".join(parts)

    @cached_property
    def literals(self) -> frozenset[float]:
        """The numbers that are written in the program, but for defaults and what is passed outside of functions."""
        defaults = {
            each
            for node in self.nodes
            if isinstance(node, ast.arguments)
            for default in (*node.defaults, *filter(None, node.kw_defaults))
            for each in ast.walk(default)
        }
        calls = {each for node in self.tree.body if isinstance(node, ast.Expr) for each in ast.walk(node)}
        return frozenset(
            float(node.value)
            for node in self.nodes
            if isinstance(node, ast.Constant)
            and isinstance(node.value, (int, float))
            and node not in defaults
            and node not in calls
            and abs(node.value) < _HUGE
        )

    def site_of(self, node: ast.AST) -> Site | None:
        """Return the place of an expression or a statement."""
        if not isinstance(node, (ast.expr, ast.stmt)):
            return None
        function = self.enclosing(node)
        name = getattr(function, "name", "<lambda>") if function is not None else "<module>"
        end_line = node.end_lineno or node.lineno
        return Site(
            self.file,
            node.lineno,
            self._characters(node.lineno, node.col_offset),
            end_line,
            self._characters(end_line, node.end_col_offset or 0),
            ast.get_source_segment(self.text, node) or "",
            name,
        )

    def _columns(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        return (
            self._characters(node.lineno, node.col_offset),
            self._characters(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def _characters(self, line: int, offset: int) -> int:
        """Turn an offset in bytes into one in characters."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return len(text.encode()[:offset].decode(errors="replace"))


class Variables:
    """The variables that a function names, also in the functions and classes that are written in it."""

    def __init__(self, function: Function) -> None:
        self._names: dict[str, list[ast.Name]] = {}
        self._shared: set[str] = set()
        self._given_otherwise = {
            each.arg for each in (function.args.vararg, function.args.kwarg) if each is not None
        }
        self._is_open = False  # any may be read without its name
        for each in ast.walk(function):
            if each is function:
                continue
            if isinstance(each, _INNER):
                self._shared.update(inner.id for inner in ast.walk(each) if isinstance(inner, ast.Name))
            if isinstance(each, ast.Name):
                self._names.setdefault(each.id, []).append(each)
                self._is_open |= each.id in _READ_ALL
            elif isinstance(each, ast.Attribute):
                self._is_open |= each.attr in _READ_ALL
            elif isinstance(each, (ast.Global, ast.Nonlocal)):
                self._shared.update(each.names)
            else:
                self._given_otherwise.update(
                    filter(None, (getattr(each, field, None) for field in _GIVING))
                )

    def names_of(self, name: str) -> list[ast.Name]:
        """Return where the function names a variable."""
        return self._names.get(name, [])

    def loads_of(self, name: str) -> list[ast.Name]:
        """Return where the function reads a variable."""
        return [each for each in self.names_of(name) if isinstance(each.ctx, ast.Load)]

    def stores_of(self, name: str) -> list[ast.Name]:
        """Return where the function gives a variable something."""
        return [each for each in self.names_of(name) if isinstance(each.ctx, ast.Store)]

    def is_own(self, name: str) -> bool:
        """Tell whether a variable is read nowhere but where the function itself names it."""
        return not self._is_open and name not in self._shared

    def is_given_otherwise(self, name: str) -> bool:
        """Tell whether it is given something without being named there: `*name`, `case name`, `import name`."""
        return name in self._given_otherwise


def _is_inside(function: Function, path: list[ast.AST]) -> bool:
    """Tell whether what leads up to a function is computed when it runs, or is one of its parameters."""
    below = path[-1]
    if isinstance(below, ast.arguments):
        return len(path) == 1 or isinstance(path[-2], ast.arg)
    return isinstance(function, ast.Lambda) or below not in (*function.decorator_list, function.returns)


def called_name(call: ast.Call) -> str:
    """Return the last name of what is called; empty where that is no name."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    known = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    known += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return {each.arg for each in known}


def parameters_in_order(function: Function) -> list[str]:
    """Return the names of a function's parameters that may be given by position, and then of the others."""
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def loads_in(node: ast.AST) -> Iterator[ast.Name]:
    """Yield the variables that are read in a part of the program."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return (name for name in names if isinstance(name.ctx, ast.Load))
