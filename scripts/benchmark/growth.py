"""A run and ticks after 900 days of incidents, messages and checks beside 90: time, megabytes, memory.

Each day has 50 incidents with 2.5 messages each on two channels, and 20 suites of ten rules that are checked every
hour. The short history is the last part of the long one. Its rows are those that the commands would have written, and
the warehouse makes them itself.
"""

# ruff: noqa: S608 -- names of tables are no parameters; nothing here comes from outside

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from benchmark.bill import Billed, Counter
from benchmark.figures import MIB, Comparison, Part, Series, memory
from benchmark.places import Place, Taken
from incident_ledger.encoding import timestamp
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse

NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
INCIDENTS_A_DAY, SUITES, RULES = 50, 20, 10
AIM = 1.1
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_BODY = 2_000  # characters of a message's text, and of its HTML


def prepare(place: Place, *, days: int) -> None:
    """A history of so many days up to `NOW`: everything is built from it, and what is old of it is settled."""
    place.run(NOW - _DAY)
    _add(place.warehouse(), NOW, days)
    place.run(NOW, "--full")
    _tick(place, NOW + _MINUTE)  # what of it is owed, and the heartbeat


def measure(short: Place, long: Place, *, days: tuple[int, int], repetitions: int) -> Part:
    """Each command in both places in turns, then once more for its bill."""
    places = dict(zip(days, (short, long), strict=True))
    for place in places.values():
        place.stop()
        place.start()  # so that the server's memory is that of this part
    taken: _Taken = {name: {many: [] for many in days} for name in _COMMANDS}
    for name, command in _COMMANDS.items():
        for number in range(repetitions):
            for many, place in places.items():
                taken[name][many].append(command(place, NOW, number))
    peaks = {many: place.server_peak_memory() for many, place in places.items()}
    bills = {many: _bills(place, NOW + repetitions * _DAY) for many, place in places.items()}
    return _part(taken, bills, peaks, *days)


def _bills(place: Place, now: datetime) -> dict[str, Billed]:
    """What each command would cost, once."""
    with place.counting(scans=False):
        counter = Counter(place)
        counter.leave(lambda: _tick(place, now + _MINUTE))
        return {name: counter.bill(name, None, _bound(command, place, now)) for name, command in _COMMANDS.items()}


def _bound(command: "_Command", place: Place, now: datetime) -> Callable[[], Taken]:
    return lambda: command(place, now, 0)


def _idle_tick(place: Place, now: datetime, number: int) -> Taken:
    return _tick(place, now + (2 + number) * _MINUTE)


def _tick_with_a_message(place: Place, now: datetime, number: int) -> Taken:
    at = now + (20 + 2 * number) * _MINUTE
    event = Event(
        incident_id=incident_id("benchmark", "one", at),
        event_type=EventType.DETECTED,
        occurred_at=at,
        actor="benchmark",
        source="benchmark",
        source_key=f"{at}",
        severity_level="P2",
        payload={"title": "One incident"},
    )
    append(place.warehouse(), [event], at)
    return _tick(place, at + _MINUTE)


def _run_with_news(place: Place, now: datetime, number: int) -> Taken:
    at = now + (number + 1) * _DAY
    _add(place.warehouse(), at, 1)
    return place.run(at)


def _tick(place: Place, at: datetime) -> Taken:
    return place.ledger("tick", "--as-of", timestamp(at))


_Command = Callable[[Place, datetime, int], Taken]
_Taken = Mapping[str, Mapping[int, list[Taken]]]
_COMMANDS: Mapping[str, _Command] = {
    "a tick with nothing due": _idle_tick,
    "a tick that sends a message": _tick_with_a_message,
    "a run with a day's news": _run_with_news,
}


def _add(warehouse: Warehouse, now: datetime, days: int) -> None:
    """What happened and was checked on so many days before a time."""
    for statement in (*_incidents(warehouse, days), *_checks(warehouse, days)):
        warehouse.execute(statement, {"now": now})


def _incidents(warehouse: Warehouse, days: int) -> tuple[str, str]:
    """Incidents of half an hour, and who was notified of their beginning, their end and every second acknowledgement.

    The last incident of a day is two hours old, so that what is settled does not depend on the number of days.
    """
    incidents = f"""
        with days as (select back from unnest(generate_array(1, {days})) as back),
        times as (
            select
                number,
                timestamp_sub(@now, interval 1440 * back - number * {22 * 60 // INCIDENTS_A_DAY} minute) as detected_at
            from days
            cross join unnest(generate_array(0, {INCIDENTS_A_DAY - 1})) as number
        ),
        incidents as (
            select
                number, detected_at,
                concat(
                    'INC-', format_timestamp('%Y%m%dT%H%M%SZ', detected_at), '-',
                    substr(to_hex(md5(cast(detected_at as string))), 1, 8)
                ) as incident_id
            from times
        ),
        events as (
            select
                incidents.*, event_type,
                concat(incident_id, '-', event_type) as event_id,
                timestamp_add(detected_at, interval minutes minute) as occurred_at
            from incidents
            cross join unnest([
                struct('detected' as event_type, 0 as minutes), struct('acknowledged' as event_type, 5 as minutes),
                struct('resolved' as event_type, 30 as minutes), struct('review_completed' as event_type, 60 as minutes)
            ])
        )
    """
    return (
        f"""
        insert into {warehouse.raw("incident_events")}
        (
            event_id, incident_id, event_type, occurred_at, recorded_at, actor, source, source_key, severity_level,
            payload
        )
        {incidents}
        select
            event_id, incident_id, event_type, occurred_at, occurred_at, 'ann', 'benchmark', incident_id,
            if(event_type = 'detected', if(mod(number, 10) = 0, 'P1', 'P2'), null),
            case event_type
                when 'detected'
                    then json_object('title', concat('Incident ', cast(number as string)), 'components', ['api'])
                when 'review_completed' then json '{{"contributing_factors": ["a"], "lessons": ["b"]}}'
                else json '{{}}'
            end
        from events
        """,
        f"""
        insert into {warehouse.raw("notifications")}
        (
            message_id, event_id, incident_id, template, channel, audience, recipients, subject, body_text, body_html,
            created_at, status, attempts, sent_at, severity_level
        )
        {incidents}
        select
            concat(event_id, '-data-team'), event_id, incident_id, 'initial', channel, 'data-team', 'ann@example.com',
            event_id, repeat('x', {_BODY}), repeat('x', {_BODY}), occurred_at, 'sent', 1, occurred_at, 'P2'
        from events
        cross join unnest(['folder', 'email']) as channel
        where event_type in ('detected', 'resolved') or event_type = 'acknowledged' and mod(number, 2) = 0
        """,
    )


def _checks(warehouse: Warehouse, days: int) -> tuple[str, str]:
    """Suites that found nothing, every hour, and each of their rules."""
    checks = f"""
        with hours as (
            select timestamp_sub(@now, interval hour hour) as checked_at
            from unnest(generate_array(1, {24 * days})) as hour
        ),
        checks as (
            select
                checked_at,
                format_timestamp('run-%Y%m%dT%H%M%SZ', checked_at) as run_id,
                concat('bench.t', cast(suite as string)) as table_name,
                concat('table:bench.t', cast(suite as string)) as component,
                concat('bench_', cast(suite as string), '.json') as suite
            from hours
            cross join unnest(generate_array(1, {SUITES})) as suite
        )
    """
    return (
        f"""
        insert into {warehouse.raw("quality_batches")}
        (
            batch_id, run_id, checked_at, table_name, component, suite, day, examined, rules_total, rules_ran,
            rules_failed, rules_errored, failed_validation_rate, title
        )
        {checks}
        select
            concat(run_id, suite), run_id, checked_at, table_name, component, suite, date(checked_at), 1000,
            {RULES}, {RULES}, 0, 0, 0, 'nothing found'
        from checks
        """,
        f"""
        insert into {warehouse.raw("quality_results")}
        (
            result_id, run_id, checked_at, table_name, component, suite, rule_id, day, column_name, expectation_type,
            is_table_rule, success, examined, failed, failed_record_rate
        )
        {checks}
        select
            concat(run_id, suite, cast(rule as string)), run_id, checked_at, table_name, component, suite,
            concat('rule_', cast(rule as string)), date(checked_at), 'a', 'expect_column_values_to_not_be_null',
            false, true, 1000, 0, 0
        from checks
        cross join unnest(generate_array(1, {RULES})) as rule
        """,
    )


def _part(
    taken: _Taken, bills: Mapping[int, Mapping[str, Billed]], peaks: Mapping[int, int | None], few: int, many: int
) -> Part:
    def beside(what: str, unit: str, values: Mapping[int, Sequence[float]]) -> Comparison:
        long, short = (Series(f"{what} after {days} days", unit, tuple(values[days])) for days in (many, few))
        return Comparison(f"{what} after {many} days, beside {few}", long, short, AIM)

    comparisons = []
    for name, at in taken.items():
        bill = {days: bills[days][name].bill for days in at}
        comparisons += [
            beside(f"time of {name}", "s", {days: [one.seconds for one in found] for days, found in at.items()}),
            beside(
                f"peak memory of {name}", "MiB",
                {days: [(one.peak_memory or 0) / MIB for one in found] for days, found in at.items()},
            ),
            beside(f"megabytes of {name}", "MB", {days: [each.megabytes] for days, each in bill.items()}),
            beside(f"jobs of {name}", "", {days: [each.jobs] for days, each in bill.items()}),
        ]  # fmt: skip
    singles = tuple(
        series
        for days in (few, many)
        for series in memory(f"peak memory of the local warehouse after {days} days", [peaks[days]])
    )
    note = (
        f"Each day: {INCIDENTS_A_DAY} incidents with 2.5 messages each on two channels, {SUITES} suites of {RULES} "
        "rules checked every hour. Megabytes and jobs are of the bill on BigQuery, once."
    )
    return Part("After years of incidents", tuple(comparisons), singles, (note,))
