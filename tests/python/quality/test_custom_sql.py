"""A suite's own SQL, and whatever else of a suite reaches SQL as text, cannot change the warehouse."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engines.recorder import expected_to_be_refused
from incident_ledger.policy import Policy
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.compiler.custom_sql import OwnQuery
from incident_ledger.quality.compiler.typing import RuleError
from incident_ledger.quality.scanner import rows_of_select
from incident_ledger.warehouse import Warehouse
from quality.helpers import NOW, make_table, not_null, rule, statements, suite_from, suite_of

OWN = "unexpected_rows_expectation"
DELETE = "delete from `{ledger}` where true"
ATTACKS = {
    "a closing bracket": "select * from {batch}); " + DELETE + "; select count(*) from (select 1",
    "a closing bracket in a filter": "select * from {batch} where true) as n from t; " + DELETE + "; select (1",
    "two statements": "select * from {batch}; " + DELETE,
    "a statement before": DELETE + "; select * from {batch}",
    "a comment that hides our bracket": "select * from {batch}); " + DELETE + " -- ",
    "a block comment that hides our bracket": "select * from {batch}); " + DELETE + "; /* {batch}",
    "a hash comment": "select * from {batch}); " + DELETE + "; select 1 from (select 1 # ",
    "begin and end": "begin " + DELETE + "; select * from {batch}; end",
    "execute immediate": "execute immediate '" + DELETE + "'; select * from {batch}",
    "only execute immediate": "execute immediate 'select * from {batch}'",
    "a with that deletes": "with gone as (" + DELETE + " returning *) select * from {batch}",
    "a statement that is not a query": DELETE + " and exists (select * from {batch})",
    "insert": "insert into `{ledger}` (event_id) select '1' from {batch}",
    "merge": "merge `{ledger}` using {batch} on true when matched then delete",
    "truncate": "truncate table `{ledger}`; select * from {batch}",
    "create": "create or replace table `{ledger}` as select * from {batch}",
    "drop": "drop table `{ledger}`; select * from {batch}",
    "export": "export data options (uri = 'gs://x/*') as select * from {batch}",
    "call": "call p(); select * from {batch}",
    "a table function": "select * from external_query('c', '" + DELETE + "'), {batch}",
    "a quote that closes its text": "select * from {batch} where 'x\\' = '); " + DELETE + "; select ('",
    "the batch inside a text": "select * from {batch} where '{batch}' != ''",
    "a parameter": "select * from {batch} where amount = @p0",
    "deep brackets": "select * from {batch} where " + "(" * 5_000 + "true" + ")" * 5_000,
    "nothing": "   {batch}  ",
}
CONDITIONS: dict[str, Any] = {
    "more than the old form reads": 'col("amount") > 1 and col("amount") < 3',
    "a bracket in the old form": 'col("amount")==1); ' + DELETE + "; select (1",
    "a backtick in the old form": 'col("amount` = 1); ' + DELETE + '; -- ").notnull()',
    "a backtick in a nullity": {
        "type": "nullity", "column": {"name": "amount` is null); " + DELETE + "; -- "}, "is_null": True,
    },
    "a backtick in a comparison": {
        "type": "comparison", "column": {"name": "x` = 1); " + DELETE + "; -- "}, "operator": "==", "parameter": 1,
    },
    "a filter that is passed through": {"type": "pass_through", "pass_through_filter": "true); " + DELETE},
}  # fmt: skip
COLUMNS = ("amount` is null); " + DELETE + "; -- ", "amount\\", "amount) or (true")
TABLES = ("facts` where true; " + DELETE + "; -- ", "facts\\", "facts\n", "a.b.c.d", "f(x)")


@pytest.fixture
def ledger(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse with a table to check and one event in its ledger, which must be there afterwards."""
    make_table(warehouse, "facts", "select i as amount, 'x' as name from unnest(generate_array(1, 10)) as i")
    warehouse.execute(
        f"insert into {warehouse.raw('incident_events')} "
        "(event_id, incident_id, event_type, occurred_at, recorded_at, actor, source, source_key) "
        "values ('1', 'INC-1', 'detected', @at, @at, 'a', 's', 'k')",
        {"at": NOW},
    )
    yield warehouse
    assert len(warehouse.rows(f"select * from {warehouse.raw('incident_events')}")) == 1


def aimed(written: Any, warehouse: Warehouse) -> Any:
    """The attack with the ledger's own name in it."""
    name = warehouse.raw("incident_events").strip("`")
    return json.loads(json.dumps(written).replace("{ledger}", name))


def test_what_is_not_one_select_is_that_rules_finding_and_deletes_nothing(ledger: Warehouse, policy: Policy) -> None:
    rules = [rule(OWN, name, unexpected_rows_query=aimed(text, ledger)) for name, text in ATTACKS.items()]
    with expected_to_be_refused():
        (batch,) = check_all(
            ledger, policy, run_id="1", now=NOW, suites=[suite_of(*rules, not_null("amount"), table="facts")]
        )
    *refused, good = batch.rules
    assert {result.rule_id for result in refused if result.error is None} == set()
    assert len({result.rule_id for result in refused}) == len(ATTACKS)
    assert (good.failed, good.examined) == (0, 10)


@pytest.mark.parametrize("kind", ["expect_column_values_to_not_be_null", "expect_column_median_to_be_between"])
def test_a_condition_or_column_that_ends_its_quotes_is_a_finding_by_both_ways(
    ledger: Warehouse, policy: Policy, kind: str
) -> None:
    """Counted by the common statement, and evaluated by Great Expectations' own."""
    bounds = {"min_value": 0} if "median" in kind else {}
    rules = [
        rule(
            kind,
            name,
            column="amount",
            row_condition=aimed(text, ledger),
            condition_parser="great_expectations",
            **bounds,
        )
        for name, text in CONDITIONS.items()
    ]
    rules += [rule(kind, f"column {name}", column=aimed(name, ledger), **bounds) for name in COLUMNS]
    with expected_to_be_refused():
        (batch,) = check_all(ledger, policy, run_id="1", now=NOW, suites=[suite_of(*rules, table="facts")])
    assert [result.rule_id for result in batch.rules if result.error is None] == []


@pytest.mark.parametrize("name", TABLES)
def test_a_table_whose_name_ends_its_quotes_is_a_finding_of_the_suite(
    ledger: Warehouse, policy: Policy, name: str
) -> None:
    changes = {"table": aimed(name, ledger), "day_column": "day", "changed_at_column": "loaded_at"}
    suites = [
        suite_of(not_null("amount"), table=aimed(name, ledger)),
        suite_of(not_null("amount"), table="raw.usage_loads", day_column="day", changes=changes),
    ]
    for suite in suites:
        (batch,) = check_all(ledger, policy, run_id="1", now=NOW, suites=[suite])
        assert batch.check_severity_level == "P1"


def test_a_dry_run_classifies_each_statement_with_a_suites_sql_before_it_is_sent(
    ledger: Warehouse, policy: Policy
) -> None:
    rules = [
        rule(OWN, "filter", unexpected_rows_query="select * from {batch} where amount > 3"),
        rule(OWN, "query", unexpected_rows_query="select name from {batch} group by name having count(*) > 1"),
    ]
    with statements(dry_runs=True) as sent:
        check_all(ledger, policy, run_id="1", now=NOW, suites=[suite_of(*rules, table="facts")], is_recorded=False)
    own = [(sql, config.dry_run) for sql, config in sent if "countif" in sql or "HAVING" in sql]
    assert [is_dry for _, is_dry in own] == [True, None, True, None]
    assert (own[0][0], own[2][0]) == (own[1][0], own[3][0])


def test_what_the_warehouse_does_not_call_a_select_is_not_sent(ledger: Warehouse) -> None:
    """Whatever our parser thinks of it."""
    ledger_name = ledger.raw("incident_events")
    for sql in (
        f"delete from {ledger_name} where true",
        f"select 1; delete from {ledger_name} where true",
        f"begin delete from {ledger_name} where true; end",
        f"execute immediate 'delete from {ledger_name} where true'",
    ):
        with expected_to_be_refused(), pytest.raises(RuleError, match="not a single SELECT"):
            rows_of_select(ledger, sql, {})


def test_own_sql_keeps_its_meaning_when_it_is_written_from_its_tree(ledger: Warehouse, policy: Policy) -> None:
    """Comments, quotes, a join, a `with`, a set operation, and a semicolon at the end."""
    queries = {
        "select * from {batch} where name = 'it\\'s; -- x' or amount > 8 -- the rest": 2,
        "with few as (select * from {batch} as b where b.amount <= 3) select * from few; -- end": 3,
        "select b.amount from {batch} as b join {batch} as c on b.amount = c.amount + 9": 1,
        "select amount from {batch} where amount < 3 union all select amount from {batch} where amount = 10": 3,
        'select * from {batch} where regexp_contains(name, r"^\\w$") and amount <= 4': 4,
        "select * except (name) from {batch} where amount = 1": 1,
        "/* a */ select * from {batch} where amount in (select 5 as five) # end": 1,
    }
    rules = [rule(OWN, text, unexpected_rows_query=text) for text in queries]
    (batch,) = check_all(
        ledger, policy, run_id="1", now=NOW, suites=[suite_of(*rules, table="facts")], is_recorded=False
    )
    assert {result.rule_id: result.error or result.failed for result in batch.rules} == queries


def test_a_plain_filter_is_distinguished_from_a_query() -> None:
    filters = {
        "select * from {batch} where amount > 3": "amount > 3",
        "select * from {batch} where a = 'group by' -- why": "a = 'group by'",
        "select * from {batch} where amount > (select 1)": None,
        "select * from {batch} as b where b.amount > 3": None,
        "select distinct * from {batch} where amount > 3": None,
        "select * from {batch} where amount > 3 limit 5": None,
        "select * from {batch}, other where amount > 3": None,
        "select *, 1 from {batch} where amount > 3": None,
        "select * from {batch} where amount > 3 qualify row_number() over (order by a) = 1": None,
    }
    assert {text: OwnQuery.read(text).filter for text in filters} == filters


def test_a_suite_from_a_file_obeys_the_same_rules(ledger: Warehouse, policy: Policy) -> None:
    """The attack that was found, as a file that somebody gives us."""
    query = aimed("select * from {batch}) ; " + DELETE + "; select count(*) from (select 1 as x", ledger)
    content = {
        "name": "x",
        "meta": {"table": "facts"},
        "expectations": [{"type": OWN, "kwargs": {"unexpected_rows_query": query}}],
    }
    (batch,) = check_all(ledger, policy, run_id="1", now=NOW, suites=[suite_from(content)])
    assert batch.check_severity_level == "P1"
    assert "one SELECT" in (batch.rules[0].error or "")
