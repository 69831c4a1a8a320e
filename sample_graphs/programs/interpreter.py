"""A tiny interpreter: tokens, a recursive-descent parser, and an evaluator over tuples, for formulas with names."""

import math
import operator
import re

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
FUNCTIONS = {"sin": math.sin, "exp": math.exp, "sqrt": math.sqrt, "max": max, "log": lambda x: math.log(x)}
TOKEN = re.compile(r"\s*(?:(\d+\.?\d*)|([a-z_]\w*)|(.))")
LEVELS = ["+-", "*/", "^"]


def tokenize(text):
    for number, name, symbol in TOKEN.findall(text):
        yield ("number", float(number)) if number else ("name", name) if name else ("symbol", symbol)


class Parser:
    def __init__(self, text):
        self.tokens = [*tokenize(text), ("end", None)]

    def take(self, *wanted):
        if self.tokens[0][1] in wanted:
            return self.tokens.pop(0)[1]
        return None

    def expression(self, level=0):
        if level == len(LEVELS):
            return self.atom()
        left = self.expression(level + 1)
        while symbol := self.take(*LEVELS[level]):
            left = (symbol, left, self.expression(level + 1))
        return left

    def atom(self):
        if self.take("-"):
            return ("-", ("number", 0.0), self.atom())
        if self.take("("):
            inner = self.expression()
            self.take(")")
            return inner
        kind, value = self.tokens.pop(0)
        if kind == "name" and self.take("("):
            arguments = [self.expression()]
            while self.take(","):
                arguments.append(self.expression())
            self.take(")")
            return ("call", value, *arguments)
        return (kind, value)


def evaluate(node, env):
    match node:
        case ("number", value):
            return value
        case ("name", name):
            return env[name]
        case ("call", name, *arguments):
            return FUNCTIONS[name](*(evaluate(each, env) for each in arguments))
        case (symbol, left, right):
            return OPERATORS[symbol](evaluate(left, env), evaluate(right, env))


def calculate(text, **env):
    return evaluate(Parser(text).expression(), env)
