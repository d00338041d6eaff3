"""One expression by each engine: its type and value, or its refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engines.catalogue.cases import Case
from engines.googlesql import Catalog, RefusedError, execute
from engines.values import type_name
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Column

BATCH = 60
_BY = re.compile(r"\b(max|min)_by\((\w+), (\w+)\)")


@dataclass(frozen=True)
class Outcome:
    """What an engine says of one expression: `kind` and `value`, or the words of its `refusal`."""

    kind: str = ""
    value: Any = None
    refusal: str | None = None


def google(cases: Sequence[Case]) -> list[Outcome]:
    """Each case by Google's reference implementation, which can ask whether an expression is an error."""
    made: list[Outcome] = []
    for start in range(0, len(cases), BATCH):
        made += _google(cases[start : start + BATCH])
    return made


def _known(sql: str) -> str:
    """The same in words that the reference implementation knows: `max_by`, and in `parse_…` `%F`, it does not."""
    sql = _BY.sub(r"any_value(\2 having \1 \3)", sql)
    return sql.replace("%F", "%Y-%m-%d") if "parse_" in sql else sql


def _google(cases: Sequence[Case]) -> list[Outcome]:
    texts = [_known(case.sql) for case in cases]
    both = ", ".join(f"iserror({text}) as e{n}, nulliferror({text}) as c{n}" for n, text in enumerate(texts))
    try:
        result = execute(f"select {both}", Catalog("p"))
        (row,) = result.rows
    except (RefusedError, ValueError, OverflowError) as error:
        if len(cases) == 1:
            return [Outcome(refusal=str(error) or type(error).__name__)]
        middle = len(cases) // 2
        return _google(cases[:middle]) + _google(cases[middle:])
    kinds = {name: type_name(kind) for name, kind in result.columns.items()}
    return [
        Outcome(refusal="an error") if row[f"e{n}"] else Outcome(kinds[f"c{n}"], row[f"c{n}"])
        for n in range(len(cases))
    ]


def local(warehouse: Warehouse, cases: Sequence[Case], by_google: Sequence[Outcome]) -> list[Outcome]:
    """Each case by the local warehouse. What Google refuses is asked alone, all else many at once."""
    made: dict[Case, Outcome] = {}
    answered = [case for case, outcome in zip(cases, by_google, strict=True) if outcome.refusal is None]
    for start in range(0, len(answered), BATCH):
        batch = answered[start : start + BATCH]
        made.update(zip(batch, _local(warehouse, batch), strict=True))
    return [made[case] if case in made else _local(warehouse, [case])[0] for case in cases]


def _local(warehouse: Warehouse, cases: Sequence[Case]) -> list[Outcome]:
    try:
        answer = warehouse.answer("select " + ", ".join(f"{case.sql} as c{n}" for n, case in enumerate(cases)))
        (row,) = answer.rows
        return [Outcome(_kind(column), value) for column, value in zip(answer.columns, row, strict=True)]
    except (OutsideError, UserError, ValueError, OverflowError) as error:
        if len(cases) == 1:
            return [Outcome(refusal=str(error) or type(error).__name__)]
    middle = len(cases) // 2
    return _local(warehouse, cases[:middle]) + _local(warehouse, cases[middle:])


def _kind(column: Column) -> str:
    kind = column.kind
    if kind == "RECORD":
        kind = f"STRUCT<{', '.join(f'{field.name} {_kind(field)}' for field in column.fields)}>"
    return f"ARRAY<{kind}>" if column.is_array else kind
