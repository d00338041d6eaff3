"""How long charges take together, where some are made side by side. Pure.

Other calls are as they were seen: what was in flight together stays together, as many at once as were seen, and all
else is one after the other. Calls of dbt are scheduled on its threads, by what they need: a statement waits for those
that make what it names, for those of its own node, and (as `dbt build` does) for the tests of what it names.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmark.billing.charges import Charge

THREADS = 16


def elapsed(charges: Sequence[Charge], *, threads: int = THREADS) -> float:
    """Seconds from the first call to the end of the last."""
    ordered = sorted(charges, key=lambda each: each.call.began)
    seconds = 0.0
    for is_dbt, group in groupby(ordered, key=lambda each: each.call.is_dbt):
        together = list(group)
        seconds += _scheduled(together, threads) if is_dbt else sum(_batch(each) for each in _batches(together))
    return seconds


def _batches(charges: Sequence[Charge]) -> Iterator[list[Charge]]:
    """Calls that were in flight together, in order of their beginning."""
    batch: list[Charge] = []
    for each in charges:
        if batch and each.call.began >= max(other.call.ended for other in batch):
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch


def _batch(batch: Sequence[Charge]) -> float:
    in_flight = (sum(other.call.began <= each.call.began < other.call.ended for other in batch) for each in batch)
    at_once = max(1, *in_flight)
    return max(sum(each.seconds for each in batch) / at_once, *(each.seconds for each in batch))


def _scheduled(charges: Sequence[Charge], threads: int) -> float:
    free = [0.0] * threads
    ends: list[float] = []
    for place, each in enumerate(charges):
        needed = [end for end, earlier in zip(ends, charges[:place], strict=True) if _waits(each, earlier)]
        slot = min(range(threads), key=free.__getitem__)
        free[slot] = max(free[slot], *needed, 0.0) + each.seconds
        ends.append(free[slot])
    return max(free)


def _waits(later: Charge, earlier: Charge) -> bool:
    if later.call.node and later.call.node == earlier.call.node:
        return True
    named = _named(later)
    if any(named & statement.writes for statement in earlier.statements):
        return True
    is_test, was_test = (str(each.call.node).startswith("test") for each in (later, earlier))
    return was_test and not is_test and earlier.call.ended <= later.call.began and bool(named & _named(earlier))


def _named(charge: Charge) -> frozenset[str]:
    """The tables and views that a call names or writes."""
    return frozenset(name for each in charge.statements for name in (*each.names, *each.writes))
