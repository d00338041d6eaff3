"""A daily run after a long history of usage beside one after a short history: time, rows read, memory.

The short history is the last part of the long one, record by record, so that only what is older differs. Each new day
is the same for both: its export is loaded, then the run of the next morning is measured.
"""

# ruff: noqa: S608 -- names of tables are no parameters; nothing here comes from outside

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from benchmark.figures import Comparison, Part, Series, memory
from benchmark.places import Place, Taken
from incident_ledger.demo import usage
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.warehouse import Warehouse

END_DAY = date(2026, 3, 4)
AIM = 1.2
_CLEAN = usage.FaultRates(claude_code_without_email=0.0, usage_without_output=0.0, cursor_days_late=0)
_LOADED, _RUN = time(7), time(7, 30)


@dataclass
class Measured:
    """What the runs of one place took, and what one of them read."""

    taken: list[Taken] = field(default_factory=list)
    pruned: int = 0
    whole: int = 0
    server_peak_memory: int | None = None


def morning_after(day: date) -> datetime:
    """When the run of a day is made."""
    return datetime.combine(day + timedelta(days=1), _RUN, tzinfo=UTC)


def prepare(place: Place, files: Path, *, days: int, part: int) -> None:
    """Load `days` of usage in parts of `part` days, run once, and date each check to the morning after its day.

    One run stands for the many that would have been: it leaves the rows that those would have left.
    """
    warehouse = place.warehouse()
    exports: dict[str, list[Path]] = {}
    for number, back in enumerate(range(0, days, part)):
        folder = files / f"part-{number}"
        end = END_DAY - timedelta(days=back)
        made = usage.generate(folder, seed=number, end_day=end, days=min(part, days - back), rates=_CLEAN)
        for source, paths in made.items():
            exports.setdefault(source, []).extend(paths)
    _load(warehouse, exports, END_DAY)
    place.run(morning_after(END_DAY))
    _spread(warehouse, days)


def measure(short: Place, long: Place, files: Path, *, days: Sequence[int], repetitions: int) -> Part:
    """New days one after the other, both places in turns, then one more day with the rows counted."""
    found = {"short": Measured(), "long": Measured()}
    places = {"short": short, "long": long}
    for place in places.values():
        place.stop()
        place.start()  # so that the server's memory is that of this part
    for step in range(1, repetitions + 1):
        day = END_DAY + timedelta(days=step)
        for name, place in places.items():
            new_day(place, files, day)
            found[name].taken.append(place.run(morning_after(day)))
    for name, place in places.items():
        found[name].server_peak_memory = place.server_peak_memory()
        found[name].pruned, found[name].whole = count_rows(place, files, END_DAY + timedelta(days=repetitions + 1))
        place.stop()
    return _part(found["short"], found["long"], *days)


def new_day(place: Place, files: Path, day: date) -> None:
    """One day's exports, loaded the next morning."""
    exports = usage.generate(files / f"day-{day}", seed=day.toordinal(), end_day=day, days=1, rates=_CLEAN)
    _load(place.warehouse(), exports, day)


def count_rows(place: Place, files: Path, day: date) -> tuple[int, int]:
    """The rows that the run of a new day reads: of the partitions that its statements leave, and of whole tables."""
    new_day(place, files, day)
    with place.counting() as notes:
        place.run(morning_after(day))
        lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    return sum(line["pruned"] for line in lines), sum(line["whole"] for line in lines)


def _load(warehouse: Warehouse, exports: dict[str, list[Path]], day: date) -> None:
    loaded_at = datetime.combine(day + timedelta(days=1), _LOADED, tzinfo=UTC)
    for source, paths in exports.items():
        load_usage(warehouse, source, paths, loaded_at=loaded_at)


def _spread(warehouse: Warehouse, days: int) -> None:
    """Date loads and checks as daily loads and runs would have, and give every day its own run's steps."""
    at_seven = "timestamp_add(timestamp(date_add({day}, interval 1 day)), interval {minutes} minute)"
    loaded = at_seven.format(day="day", minutes=7 * 60)
    checked = at_seven.format(day="{day}", minutes=7 * 60 + 30)
    back = "timestamp_sub({}, interval 24 * back hour)"
    raw, mart = warehouse.raw, warehouse.mart
    statements = [
        f"update {raw('usage_records')} set loaded_at = {loaded}, exported_at = {loaded} where true",
        f"update {raw('usage_loads')} set loaded_at = {loaded}, recorded_at = {loaded} where true",
        *(
            f"update {raw(table)} set checked_at = {checked.format(day='day')} where day is not null"
            for table in ("quality_batches", "quality_breaches", "quality_results")
        ),
        *(
            f"update {mart(table)} set checked_at = {checked.format(day='batch_day')} where batch_day is not null"
            for table in ("fct_data_quality", "fct_quality_rules")
        ),
        f"update {raw('run_steps')} set started_at = as_of, finished_at = as_of where true",
        f"insert into {raw('run_steps')} "
        "(run_id, command, as_of, step, position, started_at, finished_at, outcome, detail) "
        f"select concat(run_id, '-', cast(back as string)), command, {back.format('as_of')}, step, position, "
        f"{back.format('started_at')}, {back.format('finished_at')}, outcome, detail "
        f"from {raw('run_steps')} cross join unnest(generate_array(1, {days - 1})) as back",
    ]
    for statement in statements:
        warehouse.execute(statement)


def _part(short: Measured, long: Measured, few: int, many: int) -> Part:
    def both(what: str, unit: str, values: Callable[[Measured], Sequence[float]]) -> tuple[Series, Series]:
        after = ((many, long), (few, short))
        first, second = (Series(f"{what} after {days} days", unit, tuple(values(one))) for days, one in after)
        return first, second

    time_of = both("daily run", "s", lambda one: [taken.seconds for taken in one.taken])
    read = both("rows read by a daily run", "", lambda one: [one.pruned])
    whole = both("rows of the tables that a daily run reads", "", lambda one: [one.whole])
    comparisons = (
        Comparison(f"time of a daily run after {many} days of usage, beside {few}", *time_of, AIM),
        Comparison("rows that it reads", *read, AIM),
        Comparison("rows of the whole tables, if nothing were pruned", *whole),
    )
    singles = tuple(
        series
        for days, one in ((few, short), (many, long))
        for series in (
            *memory(f"peak memory of the run after {days} days", [taken.peak_memory for taken in one.taken]),
            *memory(f"peak memory of the local warehouse after {days} days", [one.server_peak_memory]),
        )
    )
    note = (
        "Rows read are counted by statement, from the plans: all rows of the day partitions that the statement's own "
        "literals leave, or of the whole table where they exclude none, as BigQuery would read them."
    )
    return Part("A daily run after a long history", comparisons, singles, (note,))
