"""Ten column rules on a large table: the check beside one statement by hand, and Great Expectations as it comes."""

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmark.figures import Comparison, Part, Series
from benchmark.places import PROJECT_DIR, BenchmarkError
from incident_ledger import policy
from incident_ledger.quality.checker import check_table
from incident_ledger.quality.preload import preload
from incident_ledger.quality.suites import Suite, load_suite
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import ensure_tables
from incident_ledger.warehouse.transport import Client

TABLE = "benchmark_rules"
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
_COLUMN = "expect_column_values_to_"

# Columns with some records that break their rule: nulls, values outside of a range or set, texts of another form.
ROWS = """
    select
        i as id,
        if(mod(i, 1009) = 0, null, concat('code-', cast(mod(i, 9973) as string))) as code,
        if(mod(i, 997) = 0, null, mod(i, 100000) / 100) as amount,
        mod(i, 103) as quantity,
        case mod(i, 4) when 0 then 'open' when 1 then 'paid' when 2 then 'sent' else 'lost' end as status,
        concat('user', cast(mod(i, 5003) as string), if(mod(i, 5003) = 7, '', '@example.com')) as email,
        case mod(i, 307) when 0 then 'xx' else 'eu' end as region
    from (select (a - 1) * {thousands} + b as i from unnest(generate_array(1, {thousand})) as a
        cross join unnest(generate_array(1, {thousands})) as b)
"""


@dataclass(frozen=True)
class Rule:
    """One rule as a suite holds it, and as a person writes it: the condition of a record that breaks it."""

    name: str
    kind: str
    kwargs: Mapping[str, Any]
    written: str


TEN = (
    Rule("code_given", f"{_COLUMN}not_be_null", {"column": "code"}, "code is null"),
    Rule("amount_given", f"{_COLUMN}not_be_null", {"column": "amount"}, "amount is null"),
    Rule("amount", f"{_COLUMN}be_between", {"column": "amount", "min_value": 0.5, "max_value": 999.5},
         "amount < 0.5 or amount > 999.5"),
    Rule("quantity", f"{_COLUMN}be_between", {"column": "quantity", "min_value": 0, "max_value": 100},
         "quantity < 0 or quantity > 100"),
    Rule("status", f"{_COLUMN}be_in_set", {"column": "status", "value_set": ["open", "paid", "sent"]},
         "status not in ('open', 'paid', 'sent')"),
    Rule("region", f"{_COLUMN}not_be_in_set", {"column": "region", "value_set": ["xx", "yy"]},
         "region in ('xx', 'yy')"),
    Rule("email", f"{_COLUMN}match_regex", {"column": "email", "regex": "@example[.]com$"},
         "not regexp_contains(email, r'@example[.]com$')"),
    Rule("code_length", "expect_column_value_lengths_to_be_between", {"column": "code", "max_value": 8},
         "length(code) > 8"),
    Rule("not_a_test", f"{_COLUMN}not_match_regex", {"column": "email", "regex": "^user17@"},
         "regexp_contains(email, r'^user17@')"),
    Rule("id", f"{_COLUMN}be_between", {"column": "id", "min_value": 10}, "id < 10"),
)  # fmt: skip
UNIQUE = Rule("id_unique", f"{_COLUMN}be_unique", {"column": "id"}, "")


@dataclass(frozen=True)
class Trial:
    """One way to count: seconds and statements of each repetition, and the counts by rule where it gives any."""

    seconds: tuple[float, ...]
    statements: int
    counts: Mapping[str, int] | None = None


def measure(warehouse: Warehouse, folder: Path, *, rows: int, repetitions: int) -> Part:
    """Make the table, check that all ways count the same, and time them in turns."""
    preload()
    ensure_tables(warehouse)
    make_table(warehouse, rows)
    ten, nine_and_unique = TEN, (*TEN[:-1], UNIQUE)
    plain = _trials(
        {
            "check": _check(warehouse, suite_of(ten, folder)),
            "written": _written(warehouse, ten),
            "verdicts": _great_expectations(warehouse, ten, "BOOLEAN_ONLY"),
            "counts": _great_expectations(warehouse, ten, "BASIC"),
        },
        repetitions,
    )
    unique = _trials(
        {
            "check": _check(warehouse, suite_of(nine_and_unique, folder)),
            "written": _written(warehouse, nine_and_unique),
        },
        repetitions,
    )
    for trials in (plain, unique):
        if trials["check"].counts != trials["written"].counts:
            raise BenchmarkError(f"Not the same counts: {trials['check'].counts} and {trials['written'].counts}")
    return _part(plain, unique, rows)


def make_table(warehouse: Warehouse, rows: int) -> None:
    """The table, made in the warehouse itself."""
    thousand = max(1, round(rows**0.5))
    select = ROWS.format(thousand=thousand, thousands=rows // thousand)
    warehouse.execute(f"create or replace table {warehouse.mart(TABLE)} as {select}")


def suite_of(rules: Sequence[Rule], folder: Path) -> Suite:
    """A suite by way of a file, as every suite comes."""
    path = folder / f"rules_{rules[-1].name}.json"
    expectations = [
        {"type": rule.kind, "kwargs": dict(rule.kwargs), "severity": "critical", "meta": {"rule_id": rule.name}}
        for rule in rules
    ]
    path.write_text(json.dumps({"name": path.stem, "meta": {"owner": "benchmark"}, "expectations": expectations}))
    return load_suite(path)


def written(warehouse: Warehouse, rules: Sequence[Rule]) -> str:
    """One statement that counts what the rules count, as a person writes it."""
    table = warehouse.mart(TABLE)
    columns = [f"countif({rule.written}) as {rule.name}" for rule in rules if rule.written]
    if UNIQUE in rules:
        doubles = f"select id, count(*) as n from {table} group by id having count(*) > 1"  # noqa: S608
        columns.append(f"(select coalesce(sum(n), 0) from ({doubles})) as {UNIQUE.name}")  # noqa: S608
    return f"select count(*) as n, {', '.join(columns)} from {table}"  # noqa: S608


def _check(warehouse: Warehouse, suite: Suite) -> Callable[[], dict[str, int]]:
    rules = policy.load_files(PROJECT_DIR / "seeds" / "policy")
    table = f"{warehouse.settings.dataset}.{TABLE}"

    def check() -> dict[str, int]:
        (batch,) = check_table(warehouse, rules, table, suite, now=NOW)
        return {result.rule_id: int(result.failed or 0) for result in batch.rules}

    return check


def _written(warehouse: Warehouse, rules: Sequence[Rule]) -> Callable[[], dict[str, int]]:
    sql = written(warehouse, rules)

    def ask() -> dict[str, int]:
        (row,) = warehouse.rows(sql)
        return {rule.name: int(row[rule.name]) for rule in rules}

    return ask


def _great_expectations(warehouse: Warehouse, rules: Sequence[Rule], form: str) -> Callable[[], None]:
    """The library by the way that its documentation shows, through our client."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuite

    # The local warehouse has no storage API of its own.
    warehouse.client._ensure_bqstorage_client = lambda *_, **__: None  # type: ignore[method-assign]
    expectations = [{"type": rule.kind, "kwargs": dict(rule.kwargs)} for rule in rules]
    with _quiet():
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_bigquery(
            "warehouse",
            connection_string=f"bigquery://{warehouse.settings.project}?user_supplied_client=True",
            kwargs={"connect_args": {"client": warehouse.client}},
        )
        asset = source.add_table_asset("rules", table_name=f"{warehouse.settings.dataset}.{TABLE}")
        batch = asset.add_batch_definition_whole_table("whole").get_batch()

    def validate() -> None:
        with _quiet():
            suite = ExpectationSuite(name="rules", expectations=expectations)
            result = batch.validate(suite, result_format=form)
        if len(result.results) != len(rules) or any(
            one.exception_info.get("raised_exception") for one in result.results
        ):
            raise BenchmarkError("Great Expectations could not evaluate a rule of the benchmark")

    return validate


def _trials(ways: Mapping[str, Callable[[], Any]], repetitions: int) -> dict[str, Trial]:
    """Each way once to warm up, with its statements counted, then all in turns."""
    statements: dict[str, int] = {}
    counts: dict[str, Any] = {}
    for name, way in ways.items():
        with counted_statements() as sent:
            counts[name] = way()
        statements[name] = len(sent)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    return {name: Trial(tuple(seconds[name]), statements[name], counts[name]) for name in ways}


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Every statement that our client sends, Great Expectations' too."""
    sent: list[str] = []
    original = Client.query

    def query(self: Client, query: str, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return original(self, query, *arguments, **options)

    with patch.object(Client, "query", query):
        yield sent


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _part(plain: Mapping[str, Trial], unique: Mapping[str, Trial], rows: int) -> Part:
    scan, lookup = "one hand-written statement", "one hand-written statement with uniqueness"
    by_hand = Series(f"{scan}, ten column rules", "s", plain["written"].seconds)
    names = {
        "check": "the check, ten column rules",
        "verdicts": "Great Expectations' `validate`, ten column rules, verdicts only",
        "counts": "Great Expectations' `validate`, ten column rules, with counts",
    }
    times = tuple(
        Comparison(f"{name}, beside {scan}", Series(name, "s", plain[key].seconds), by_hand, _aim(key, 1.5))
        for key, name in names.items()
    )
    with_unique = Comparison(
        f"the check, nine rules and a uniqueness, beside {lookup}",
        Series("the check, nine rules and a uniqueness", "s", unique["check"].seconds),
        Series(f"{lookup}, nine rules", "s", unique["written"].seconds),
        1.5,
    )
    sent = [
        *((name, plain[key]) for key, name in names.items()),
        ("the check, nine rules and a uniqueness", unique["check"]),
    ]
    statements = tuple(Series(f"statements: {name}", "", (trial.statements,)) for name, trial in sent)
    note = "The counts of the check and of the hand-written statement were compared and are equal."
    return Part(f"Ten column rules on {rows:,} rows", (*times, with_unique), statements, (note,))


def _aim(key: str, aim: float) -> float | None:
    return aim if key == "check" else None
