"""Translations of statements, for as long as the catalogue answers as it did, and for each dataset alike."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bqemulator.catalog.models import TableMeta

_PLACE = "il_place_"
_NUMBERED = re.compile(rf"{_PLACE}(\d+)")
# What of a table no translation is made of: when it changed, how many rows it has, and what a view over it reads.
_NOT_TRANSLATED = {
    "project_id",
    "dataset_id",
    "creation_time",
    "last_modified_time",
    "num_rows",
    "num_bytes",
    "etag",
    "view_query",
}
# Of what else is looked up (policies of rows, materialized views) a translation is kept when there is none of it.
_LOOKED_UP = {"get_table", "list_storage_tables"}


class Placed(NamedTuple):
    """A text with numbered places for the names of its datasets."""

    text: str
    names: tuple[str, ...]

    def named(self, text: str) -> str:
        """The text with the names at their places."""
        return _NUMBERED.sub(lambda found: self.names[int(found[1])], text) if self.names else text


class Translation(str):
    """A translated statement that knows it with places, so that what follows is done once for all datasets too."""

    placed: Placed

    def __new__(cls, text: str, placed: Placed) -> "Translation":
        """The text of the translation with places, named as `placed` has it."""
        made = super().__new__(cls, placed.named(text))
        made.placed = Placed(text, placed.names)
        return made


class _LookUp(NamedTuple):
    method: str
    names: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]


class Seen:
    """The catalogue, with a note of each look-up and of what it gave."""

    def __init__(self, catalog: Any, names: Sequence[str]) -> None:
        self._catalog = catalog
        self._names = {f"{_PLACE}{number}": name for number, name in enumerate(names)}
        self.found: dict[_LookUp, Any] = {}

    def __getattr__(self, method: str) -> Any:
        """The catalogue's method, noted."""

        def noted(*names: Any, **options: Any) -> Any:
            look_up = _LookUp(method, names, tuple(options.items()))
            found = self._look_up(look_up)
            self.found[look_up] = _kind(found)
            return found

        return noted

    @property
    def is_all(self) -> bool:
        """Whether nothing but what was noted can have made the translation what it is."""
        return all(not found or look_up.method in _LOOKED_UP for look_up, found in self.found.items())

    def has_as_before(self, found: dict[_LookUp, Any]) -> bool:
        """Whether each look-up gives what it gave."""
        return all(_kind(self._look_up(look_up)) == before for look_up, before in found.items())

    def _look_up(self, look_up: _LookUp) -> Any:
        names = [self._names.get(name, name) if isinstance(name, str) else name for name in look_up.names]
        options = {
            key: self._names.get(value, value) if isinstance(value, str) else value for key, value in look_up.options
        }
        return getattr(self._catalog, look_up.method)(*names, **options)


class Kept(NamedTuple):
    """A translation, and what the catalogue gave to it."""

    text: str
    found: dict[_LookUp, Any]


def placed(sql: str, project: str, catalog: Any) -> Placed:
    """The statement with places for those of its datasets that it names in one way only: after the project.

    A dataset that is named otherwise too (in a text, or as a column) keeps its name.
    """
    named = re.compile(rf"(`{re.escape(project)}`?\.`?)(\w+)(?=`?\.)")
    names = dict.fromkeys(found[2] for found in named.finditer(sql))
    if not names or _PLACE in sql:
        return Placed(sql, ())
    all_ways = {name: len(re.findall(rf"(?<!\w){name}(?!\w)", sql)) for name in names}
    one_way = [found[2] for found in named.finditer(sql)]
    shared = tuple(
        name for name in names if one_way.count(name) == all_ways[name] and catalog.get_dataset(project, name)
    )
    places = {name: f"{_PLACE}{number}" for number, name in enumerate(shared)}
    return Placed(named.sub(lambda found: found[1] + places.get(found[2], found[2]), sql), shared)


def with_catalog(options: dict[str, Any], catalog: Any) -> dict[str, Any]:
    """The options of a translation, which looks up in `catalog`."""
    return options | {"ctx": replace(options["ctx"], catalog=catalog)}


def _kind(found: Any) -> Any:
    """What of an answer of the catalogue a translation may be made of."""
    if isinstance(found, TableMeta):
        return {key: value for key, value in vars(found).items() if key not in _NOT_TRANSLATED}
    return tuple(found) if isinstance(found, list) else found
