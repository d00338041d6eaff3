"""How much of what happens is found, and how much of what is found happened: all scenarios and their near misses."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from benchmark.figures import Part, Table
from benchmark.places import Place
from incident_ledger.importers.sinks import SINKS
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import load
from incident_ledger.simulation import SCENARIOS, NormalDays, Scenario, Stage, live, look_at
from incident_ledger.warehouse import Warehouse, connect

DAY = date(2026, 3, 3)
# A year from here on has a leap day and both changes of the clocks.
NORMAL_DAY = date(2027, 11, 1)
_SEVERITIES = ("P0", "P1", "P2", "P3")
_HEADING = ("scenario", "rule", "happened", "found", "near misses", "taken for it")


@dataclass
class _Counted:
    """Of one scenario: how often it happened and was found, and how often it nearly happened and was taken for it."""

    happened: int = 0
    found: int = 0
    near: int = 0
    mistaken: int = 0


def measure(place: Place, *, seeds: Sequence[int]) -> Part:
    """Each scenario and each near miss of each seed in datasets of its own, in one local warehouse."""
    place.start()
    counted = {name: _Counted() for name in SCENARIOS}
    for seed in seeds:
        for scenario in SCENARIOS.values():
            one = counted[scenario.name]
            one.happened, one.found = one.happened + 1, one.found + _is_found(place, scenario, seed, is_near_miss=False)
            one.near, one.mistaken = one.near + 1, one.mistaken + _is_found(place, scenario, seed, is_near_miss=True)
    return _part(counted, seeds)


def _is_found(place: Place, scenario: Scenario, seed: int, *, is_near_miss: bool) -> bool:
    """Whether an incident of its rule, with its severity, is open after the looks."""
    warehouse = _ledger(place, f"s{seed}_{scenario.name.replace('-', '_')}{'_near' * is_near_miss}")
    policy = load(warehouse)
    played = scenario.play(Stage(warehouse, policy, DAY + timedelta(days=seed), seed), is_near_miss=is_near_miss)
    rule = policy.classification_rule(scenario.rule_id, played.met_at)
    found = look_at(warehouse, played)
    warehouse.close()
    return scenario.is_found(found, rule)


def measure_normal(place: Place, *, seeds: Sequence[int], days: int, first_day: date = NORMAL_DAY) -> Part:
    """How many incidents so many normal days give, with each seed."""
    place.start()
    rows = []
    for seed in seeds:
        warehouse = _ledger(place, f"normal_{seed}")
        normal = NormalDays(Stage(warehouse, load(warehouse), first_day, seed), days)
        found = live(
            warehouse, normal, on_look=lambda at: sys.stderr.write(f"          looked at {at:%Y-%m-%d %H:%M}\n")
        )
        warehouse.close()
        for each in found:
            sys.stderr.write(f"{each.severity_level} {each.rule_id} {each.detection_time} {each.title}\n")
        counts = Counter(each.severity_level for each in found)
        rows.append((f"{seed}", *(f"{counts[severity]}" for severity in _SEVERITIES)))
    note = (
        f"Incidents of {days} generated normal days from {first_day} on, on which nothing happens (aim: no P0, P1 or "
        "P2, and fewer than one P3 a week). Looked at twice a fortnight, when it looks most like an absence."
    )
    return Part("What normal days give", (), (), (note,), Table(("seed", *_SEVERITIES), tuple(rows)))


def _ledger(place: Place, name: str) -> Warehouse:
    """Datasets of its own, in which all sinks are watched."""
    sinks = {sink: f"{name}_raw.{sink}" for sink in SINKS}
    warehouse = connect(place.settings.model_copy(update={"dataset": name, "raw_dataset": f"{name}_raw", **sinks}))
    ensure_ledger(warehouse)
    return warehouse


def _part(counted: dict[str, _Counted], seeds: Sequence[int]) -> Part:
    rows = tuple(
        (name, SCENARIOS[name].rule_id, *(f"{count}" for count in (one.happened, one.found, one.near, one.mistaken)))
        for name, one in counted.items()
    )
    found, mistaken = (sum(getattr(one, name) for one in counted.values()) for name in ("found", "mistaken"))
    happened = sum(one.happened for one in counted.values())
    precision = found / (found + mistaken) if found + mistaken else 0.0
    note = (
        f"Precision {precision:.2f} and recall {found / happened:.2f} over {len(seeds)} seeds (aim: 1.00 and 1.00): an "
        "incident of the scenario's rule, with its severity, is open within a minute of the time at which it is met."
    )
    return Part("What is detected", (), (), (note,), Table(_HEADING, rows))
