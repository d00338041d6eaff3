"""The query of a card as Metabase sends it: the same SQL, whose rows are picked by template tags. Pure.

A card's query stands within a select that picks rows by the filters, keeps the columns that people see, and repeats the
order. The time of a page is the time at which Metabase asks: `current_timestamp()` in place of `@as_of`.
"""

import re
from collections.abc import Mapping, Sequence

from incident_ledger.dashboards.definition import Card, CardColumn
from incident_ledger.errors import UserError
from incident_ledger.metabase.questions import Ask, Choices, Question

ALL = "all"  # what a filter has until somebody chooses
_ORDER = re.compile(r"(?<=\nselect \* from final)\norder by\b(?P<keys>.*)\Z", re.DOTALL)  # as every card ends
_PARAMETER = re.compile(r"@as_of\b")
_TEMPLATE = ("{{", "}}", "[[", "]]")  # what Metabase would take for a tag or an optional clause
_SIGN = "="  # before the name of a component


def card_sql(card: Card, compiled: str) -> str:
    """A card of a dashboard, with a tag for each filter that it obeys. Raises `UserError`."""
    conditions = [_filter(name, how) for name, how in card.filter_by.items()]
    columns = [_sentence(card)] if card.chart == "sentence" else _names(card.columns)
    return _selected(card.card, columns, compiled, conditions, _marked(card))


def question_sql(question: Question, compiled: str) -> str:
    """A question that a click opens: with the filters, and with what the click passes on."""
    conditions = [_filter(name, how) for name, how in question.filter_by.items()]
    conditions += [_asked(ask) for ask in question.asks]
    return _selected(question.question, _names(question.columns), compiled, conditions)


def choices_sql(choices: Choices, offered: str, compiled: str) -> str:
    """The values of one list."""
    return _selected(choices.question, ["choice"], compiled, [f"filter_name = '{offered}'"])


def _names(columns: Sequence[CardColumn]) -> list[str]:
    return [each.column for each in columns]


def _selected(
    name: str, columns: Sequence[str], compiled: str, conditions: Sequence[str], more: Sequence[str] = ()
) -> str:
    """The select around a query. `more` are selects whose rows are added, from the rows of the first as `shown`."""
    compiled = compiled.strip()
    if found := [each for each in _TEMPLATE if each in compiled]:
        raise UserError(f"The query of {name} has {found[0]}, which Metabase takes for its own. Write it with a space.")
    order = _ORDER.search(compiled)
    inner = compiled[: order.start()] if order else compiled
    lines = ["select", ",\n".join(f"    {column}" for column in columns), "from (", inner, ")"]
    required = [each for each in conditions if not each.startswith("[[")]
    optional = [each for each in conditions if each.startswith("[[")]
    if conditions:
        lines += ["where", "\n    and ".join(["    true", *required]), *(f"    {each}" for each in optional)]
    if more:
        lines = ["with shown as (", *lines, ")", "select * from shown"]
        lines += [line for each in more for line in ("union all", each)]
    if order:
        lines.append(f"order by{order['keys']}".rstrip())
    return _PARAMETER.sub("current_timestamp()", "\n".join(lines)) + "\n"


def _marked(card: Card) -> list[str]:
    """Of each mark but the first, for which Metabase has a line: a series of its own with the mark at every x."""
    if card.series is None or len(card.y) != 1:
        return []
    selects = []
    for mark in card.marks[1:]:
        values = {card.x: str(card.x), card.series: _literal(f"{mark:g} line"), card.y[0]: f"{mark:.1f}"}
        # A null of the column's own type.
        columns = [f"{values.get(name, f'nullif({name}, {name})')} as {name}" for name in _names(card.columns)]
        selects.append(f"select distinct {', '.join(columns)} from shown")  # noqa: S608 -- names of the definition
    return selects


def _filter(name: str, how: str) -> str:
    """How a filter picks rows, as the page does it."""
    tag, column = f"{{{{{name}}}}}", f"{name}_filter"
    value = tag
    if name == "component":
        is_word = f"{tag} in ('{ALL}', 'none', 'other') or starts_with({tag}, '{_SIGN}')"
        value = f"if({is_word}, {tag}, concat('{_SIGN}', {tag}))"
    if how == "combinations":
        return f"{column} = {value}"
    if name == "period":
        within = f"{column} != '{ALL}' and safe_cast({column} as int64) <= safe_cast({tag} as int64)"
        return f"({tag} = '{ALL}' or ({within}))"
    return f"({tag} = '{ALL}' or {column} = {value})"


def _asked(ask: Ask) -> str:
    tag = f"{{{{{ask.name}}}}}"
    if ask.format == "month":  # a time or a date, as the clicked bar has it
        return f"[[and format_date('%Y-%m', {ask.name}) = substr({tag}, 1, 7)]]"
    return f"{ask.name} = {tag}" if ask.is_required else f"[[and {ask.name} = {tag}]]"


def _sentence(card: Card) -> str:
    """The sentence of a card as a column, with the words that stand there while its first number is 0."""
    formats: Mapping[str, str] = {each.column: each.format for each in card.columns}
    parts = [
        _in_words(part, formats[part]) if place % 2 else _literal(part)
        for place, part in enumerate(re.split(r"\{(\w+)\}", card.sentence))
        if part
    ]
    first = re.findall(r"\{(\w+)\}", card.sentence)[0]
    others = [each for each in card.columns if f"{{{each.column}}}" not in card.sentence]
    for each in others:
        parts += [_literal(f". {each.title}: "), _in_words(each.column, each.format)]
    words = ", ".join(parts)
    return f"if(coalesce({first}, 0) = 0, {_literal(card.empty)}, concat({words})) as sentence"


def _in_words(column: str, kind: str) -> str:
    if kind == "minutes":
        whole = f"cast(floor({column}) as int64)"
        hours = f"concat(cast(div({whole}, 60) as string), ' h ', cast(mod({whole}, 60) as string), ' min')"
        return f"coalesce(if({column} < 60, concat(cast({whole} as string), ' min'), {hours}), '-')"
    return f"coalesce(cast({column} as string), '-')"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
