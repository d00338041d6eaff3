"""The dictionary: what each card, table and metric means, by the definitions, dbt's manifest and decision log. Pure.

A card's tables are those that its query refers to. Sections of the decision log are named by the marts
(`meta.decisions`), and by a card itself (`decisions`) where those of its tables are not what explains it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from incident_ledger.dashboards.card_lineage import built_tables, origins
from incident_ledger.dashboards.decision_log import FILE, Decision
from incident_ledger.dashboards.definition import FOLDER, Dashboard
from incident_ledger.errors import UserError

Kind = Literal["card", "table", "metric"]
NAME = "dictionary"  # of its address in a setting, beside those of the dashboards
PAGE = "dictionary.html"
_SENTENCE = re.compile(r"\A(One row per .+?)[.:](?:\s+(.*))?\Z", re.DOTALL)
_COMMENT = re.compile(r"\A(?:--[^\n]*\n)+")


@dataclass(frozen=True)
class Source:
    """What something is read from, and the anchor of its entry; None where it has none."""

    name: str
    anchor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one thing means. `columns` are (name, type, description), `page` is where a card is shown."""

    kind: Kind
    name: str
    title: str
    group: str
    definition: str
    grain: str
    owner: str
    formula: str = field(default="", repr=False)
    sources: Sequence[Source] = ()
    decisions: Sequence[Decision] = ()
    columns: Sequence[tuple[str, str, str]] = field(default=(), repr=False)
    page: str = ""

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return anchor_of(self.kind, self.name)


def anchor_of(kind: Kind, name: str) -> str:
    """The anchor of a thing's entry."""
    return f"{kind}-{name}"


def dictionary(dashboards: Sequence[Dashboard], manifest: Any, decisions: Mapping[str, Decision]) -> list[Entry]:
    """Cards in the order of their dashboards, then tables and metrics by name.

    Raises `UserError` for a section that the decision log does not have.
    """
    project = _Project(manifest, decisions)
    return [*_cards(dashboards, project), *_tables(project), *_metrics(project)]


def sections(entries: Sequence[Entry], decisions: Mapping[str, Decision]) -> list[Decision]:
    """The sections that entries name, in the order of the log."""
    named = {each.title for entry in entries for each in entry.decisions}
    return [each for each in decisions.values() if each.title in named]


def card_definitions(
    dashboards: Sequence[Dashboard], manifest: Any, decisions: Mapping[str, Decision], address: str = ""
) -> dict[str, str]:
    """Where each card's definition is, how fresh its rows are, in words for a place that has no page of the ledger.

    `address` is that of the dictionary, where it has one.
    """
    found: dict[str, str] = {}
    for entry in _cards(dashboards, _Project(manifest, decisions)):
        tables = ", ".join(each.name for each in entry.sources)
        titles = "; ".join(each.title for each in entry.decisions)
        where = f"{address}#{entry.anchor}" if address else f"{FILE}: {titles}" if titles else str(FILE)
        is_built = bool(built_tables(manifest, _node(manifest, entry.name)))
        fresh = "as of the last run, see System health" if is_built else "as it is now"
        found[entry.name] = f"Data: {tables or 'of no table'}, {fresh}. Definition: {where}"
    return found


def warnings(dashboards: Sequence[Dashboard], manifest: Any) -> list[str]:
    """The cards that refer to nothing: dbt has no lineage of them, and no exposure can name what they read."""
    return [
        f"the card {card.card} of {dashboard.name} refers to no table (`ref`): dbt does not know what it reads, "
        "and its definition has no source"
        for dashboard in dashboards
        for card in dashboard.cards
        if not _node(manifest, card.card).depends_on_nodes
    ]


def question_sources(manifest: Any) -> dict[str, list[Source]]:
    """The tables that each analysis reads, by its name."""
    project = _Project(manifest, {})
    analyses = (each for each in manifest.nodes.values() if each.resource_type == "analysis")
    return {str(node.name): [project.source(name) for name in sorted(set(node.depends_on_nodes))] for node in analyses}


class _Project:
    """dbt's manifest and the decision log together."""

    def __init__(self, manifest: Any, decisions: Mapping[str, Decision]) -> None:
        self.manifest = manifest
        self._decisions = decisions
        self.marts = sorted(
            (each for each in manifest.nodes.values() if each.resource_type == "model" and "marts" in each.fqn[1:-1]),
            key=lambda each: str(each.name),
        )
        self._listed = {each.unique_id for each in self.marts} | {each.unique_id for each in self.seeds}

    @property
    def seeds(self) -> list[Any]:
        """The tables of the policy that cards or questions read."""
        nodes = self.manifest.nodes
        read = {name for each in nodes.values() if each.resource_type == "analysis" for name in each.depends_on_nodes}
        return [nodes[name] for name in sorted(read) if name in nodes and nodes[name].resource_type == "seed"]

    def sections(self, titles: Sequence[str], where: str) -> list[Decision]:
        """Raises `UserError` for one that is not there."""
        if unknown := [title for title in titles if title not in self._decisions]:
            raise UserError(f"{where} names the decision {unknown[0]!r}, which is no heading of {FILE}.")
        return [self._decisions[title] for title in dict.fromkeys(titles)]

    def titles(self, unique_id: str) -> list[str]:
        """The sections that a mart names."""
        return list(self.manifest.nodes[unique_id].config.meta.get("decisions", ()))

    def owner(self, node: Any) -> str:
        """Of a mart's group."""
        found = next((each for each in self.manifest.groups.values() if each.name == node.config.group), None)
        return f"{found.owner.name}, {found.owner.email}" if found else ""

    def source(self, unique_id: str) -> Source:
        """A node as what something is read from."""
        node = self.manifest.nodes.get(unique_id) or self.manifest.sources[unique_id]
        anchor = anchor_of("table", node.name) if unique_id in self._listed else None
        return Source(str(node.name), anchor)


def _node(manifest: Any, analysis: str) -> Any:
    return next(each for each in manifest.nodes.values() if each.resource_type == "analysis" and each.name == analysis)


def _cards(dashboards: Sequence[Dashboard], project: _Project) -> Iterator[Entry]:
    for dashboard in dashboards:
        for card in sorted(dashboard.cards, key=lambda each: (each.place.row, each.place.col)):
            node = _node(project.manifest, card.card)
            read = list(dict.fromkeys(node.depends_on_nodes))
            titles = card.decisions or [title for each in read for title in project.titles(each)]
            comment = _COMMENT.match(node.raw_code)
            words = comment[0].replace("--", " ") if comment else ""
            yield Entry(
                kind="card",
                name=card.card,
                title=card.title,
                group=dashboard.title,
                definition=card.description,
                grain=" ".join(words.split()),
                owner=f"{dashboard.owner.name}, {dashboard.owner.email}",
                formula=node.raw_code[len(comment[0]) if comment else 0 :].strip(),
                sources=[project.source(each) for each in sorted(read)],
                decisions=project.sections(
                    titles, f"The card {card.card} ({FOLDER / dashboard.name}) or a table of it"
                ),
                page=f"{dashboard.name}.html#{card.card}",
            )


def _tables(project: _Project) -> Iterator[Entry]:
    for node in [*project.marts, *project.seeds]:
        description = " ".join(str(node.description).split())
        found = _SENTENCE.match(description)
        is_seed = node.resource_type == "seed"
        yield Entry(
            kind="table",
            name=str(node.name),
            title=str(node.name),
            group="Policy (seeds)" if is_seed else str(node.config.group).capitalize(),
            definition=_sentence_case(found[2] or "") if found else description,
            grain=f"{found[1]}." if found else "",
            owner="Who changes the policy" if is_seed else project.owner(node),
            sources=[project.source(each) for each in origins(project.manifest, node)],
            decisions=project.sections(project.titles(node.unique_id), f"The model {node.name}"),
            columns=[
                (name, str(column.data_type or "").lower(), " ".join(str(column.description).split()))
                for name, column in node.columns.items()
            ],
        )


def _sentence_case(text: str) -> str:
    """With a capital letter, unless it begins with a name."""
    return text if text[:1] in {"`", ""} else text[0].upper() + text[1:]


def _metrics(project: _Project) -> Iterator[Entry]:
    models = project.manifest.semantic_models.values()
    measures = {measure.name: (measure, model) for model in models for measure in model.measures}
    for metric in sorted(project.manifest.metrics.values(), key=lambda each: str(each.label or each.name)):
        params = metric.type_params
        measure, model = measures[(params.measure or params.input_measures[0]).name]
        (table,) = model.depends_on.nodes
        if params.measure:
            formula = f"{measure.agg.value}({measure.expr})"
        else:
            formula = f"{params.numerator.name} / {params.denominator.name}"
        day = next((each.name for each in model.dimensions if each.type.value == "time"), "")
        yield Entry(
            kind="metric",
            name=str(metric.name),
            title=str(metric.label or metric.name),
            group=str(model.name).replace("_", " ").capitalize(),
            definition=str(metric.description),
            grain=f"Any period of {day}, by the dimensions that `incident-ledger metrics list` shows.",
            owner=project.owner(project.manifest.nodes[table]),
            formula=formula,
            sources=[project.source(table)],
            decisions=project.sections(project.titles(table), f"The model {model.name}"),
        )
