"""All our own functions, as DuckDB's macros and as functions of Python.

DuckDB puts a macro's argument wherever the macro names it, so that a call in a call in a view of a view grows beyond
what can be planned: `il_to_int64(il_valid_json(x))` would hold `x` some forty times. So an argument that is named
several times is bound once, as what a list of one is transformed with.
"""

import re

from incident_ledger.warehouse.functions import conversions, formats, numbers, printf, python, texts, times


def _bound_once(head: str, body: str) -> str:
    """The macro's body with each argument that it names more than once bound to a name of its own."""
    name, _, listed = head.rstrip(")").partition("(")
    for argument in filter(None, (part.strip() for part in listed.split(","))):
        named = re.compile(rf"('(?:[^']|'')*')|\b{argument}\b")
        if sum(hit[1] is None for hit in named.finditer(body)) > 1:
            own = f"{argument}_of_{name}"  # what stands for another argument has names of other macros alone
            inner = _renamed(body, named, own)
            body = f"list_transform([{argument}], lambda {own}: {inner})[1]"
    return body


def _renamed(body: str, named: re.Pattern[str], own: str) -> str:
    def replacement(hit: re.Match[str]) -> str:
        return hit[1] or own

    return named.sub(replacement, body)


_WRITTEN = (
    times.ERRORS | numbers.MACROS | times.MACROS | conversions.MACROS | texts.MACROS | formats.MACROS | printf.MACROS
)  # in order: each one uses what stands before it
MACROS = {head: _bound_once(head, body) for head, body in _WRITTEN.items()}
FUNCTIONS = python.FUNCTIONS | formats.FUNCTIONS | printf.FUNCTIONS
