"""All our own functions, as DuckDB's macros and as functions of Python.

DuckDB puts a macro's argument wherever the macro names it, so that a call in a call in a view of a view grows beyond
what can be planned: `il_to_int64(il_valid_json(x))` would hold `x` some forty times. So an argument that is named
several times is bound once, as what a list of one is transformed with.
"""

import re
from collections.abc import Iterable, Mapping

from incident_ledger.warehouse.local.functions import conversions, date_times, formats, numbers, printf, python, strings


def _bound_once(head: str, body: str) -> str:
    """The macro's body with its arguments bound, where one of them is named more than once.

    All of them are: an argument inside of the lambda could be a window function, which DuckDB fails on.
    """
    name, _, listed = head.rstrip(")").partition("(")
    arguments = [part.strip() for part in listed.split(",") if part.strip()]
    if all(len(_places(argument, body)) < 2 for argument in arguments):
        return body
    own = f"of_{name}"  # what stands for an argument has names of other macros alone
    if len(arguments) == 1:
        return f"list_transform([{arguments[0]}], lambda {own}: {_renamed(body, {arguments[0]: own})})[1]"
    # By place: in a macro inside of FROM UNNEST, DuckDB takes a field's name for that of an argument.
    inner = _renamed(body, {argument: f"{own}[{place}]" for place, argument in enumerate(arguments, 1)})
    return f"list_transform([row({', '.join(arguments)})], lambda {own}: {inner})[1]"


def _named(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"('(?:[^']|'')*')|\b({'|'.join(words)})\b")


def _places(argument: str, body: str) -> list[str]:
    return [hit[2] for hit in _named([argument]).finditer(body) if hit[2]]


def _renamed(body: str, names: Mapping[str, str]) -> str:
    return _named(names).sub(lambda hit: hit[1] or names[hit[2]], body)


_WRITTEN = (
    date_times.ERRORS
    | numbers.MACROS
    | date_times.MACROS
    | conversions.MACROS
    | strings.MACROS
    | formats.MACROS
    | printf.MACROS
)  # in order: each one uses what stands before it
MACROS = {head: _bound_once(head, body) for head, body in _WRITTEN.items()}
FUNCTIONS = python.FUNCTIONS | formats.FUNCTIONS | printf.FUNCTIONS
