"""Templates with their edge values filled in: each is one scalar expression of GoogleSQL."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from engines.catalogue.values import POOLS

SEED = 12
_PLACE = re.compile(r"\{([" + "".join(POOLS) + r"])(\d?)\}")
_RANDOM_MORE = 6


@dataclass(frozen=True)
class Case:
    """One expression. `template` is what it was made of, `family` the chapter of GoogleSQL."""

    family: str
    template: str
    sql: str


def fill(family: str, templates: Sequence[str], seed: int = SEED) -> Iterator[Case]:
    """Every edge value in every place at least once, and some combinations by chance.

    Every second one takes its values from columns, every other one as literals: two ways of one engine.
    """
    for template in templates:
        places = list(dict.fromkeys(_PLACE.findall(template)))
        for number, values in enumerate(_combinations([POOLS[letter] for letter, _ in places], seed, template)):
            names = [f"a{place}" for place in range(len(places))]
            is_null = any(value.startswith("cast(null") for value in values)
            if not places or (number % 2 and not is_null):  # a literal NULL has no type of its own in DuckDB
                sql = _filled(template, dict(zip(places, values, strict=True)))
            else:
                columns = ", ".join(f"{value} as {name}" for value, name in zip(values, names, strict=True))
                body = _filled(template, dict(zip(places, names, strict=True)))
                sql = f"(select {body} from (select {columns}))"
            yield Case(family, template, sql)


def _filled(template: str, values: dict[tuple[str, ...], str]) -> str:
    return _PLACE.sub(lambda hit: values[hit[1], hit[2]], template)


def _combinations(pools: list[tuple[str, ...]], seed: int, template: str) -> list[tuple[str, ...]]:
    if not pools:
        return [()]
    chance = Random(f"{seed} {sha256(template.encode()).hexdigest()}")
    longest = max(map(len, pools))
    starts = [chance.randrange(len(pool)) for pool in pools]
    made = [
        tuple(pool[(start + step) % len(pool)] for pool, start in zip(pools, starts, strict=True))
        for step in range(longest)
    ]
    if len(pools) > 1:
        made += [tuple(chance.choice(pool) for pool in pools) for _ in range(_RANDOM_MORE)]
    return list(dict.fromkeys(made))
