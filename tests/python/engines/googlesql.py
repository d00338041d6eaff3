"""Google's own analyzer and reference implementation of GoogleSQL, in this process.

The package `zetasql` is Google's C++ as WebAssembly. What is used here is its protocol: its Python layer copies
requests and answers byte by byte. The analyzer refuses what BigQuery refuses; the reference implementation computes
what BigQuery computes, slowly and plainly.
"""

import ctypes
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as proto_options
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options
from zetasql.wasi._pb2.zetasql.public.simple_table_pb2 import SimpleTableProto

from engines.values import Type, decode, encode

Columns = Mapping[str, Type]

# GoogleSQL that other products of Google have and BigQuery has not.
_NOT_IN_BIGQUERY = (
    "TIMESTAMP_NANOS",
    "TIMESTAMP_PICOS",
    "AGGREGATE_FILTERING",
    "ARRAY_EQUALITY",
    "ARRAY_ORDERING",
    "ARRAY_AGGREGATION_FUNCTIONS",
    "ARRAY_FIND_FUNCTIONS",
    "ARRAY_GREATEST_LEAST",
    "ARRAY_ZIP",
    "DML_RETURNING",
    "FIRST_AND_LAST_N",
    "FOR_UPDATE",
    "IMPLICIT_COERCION_STRING_LITERAL_TO_BYTES",
    "INLINE_LAMBDA_ARGUMENT",
    "INSERT_ON_CONFLICT_CLAUSE",
    "JSON_TYPE_COMPARISON",
    "LATERAL_JOIN",
    "LIMIT_OFFSET_EXPRESSIONS",
    "LITERAL_CONCATENATION",
    "MULTILEVEL_AGGREGATION",
    "MULTIWAY_UNNEST",
    "STRUCT_POSITIONAL_ACCESSOR",
    "TYPEOF_FUNCTION",
    "UUID_TYPE",
)
_LOCK = threading.Lock()
# A quoted path of three, outside of strings and comments: how dbt writes a relation.
_PATH = re.compile(
    r"(?P<skip>--[^\n]*|\#[^\n]*|/\*.*?\*/|\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')"
    r"|`(?P<project>[^`.]+)`\s*\.\s*`(?P<dataset>[^`.]+)`\s*\.\s*(?P<quote>`?)(?P<table>(?<=`)[^`.]+|\w+)(?P=quote)",
    re.DOTALL,
)


class RefusedError(Exception):
    """Google's analyzer or reference implementation says no; the message says why and where."""


@dataclass(frozen=True)
class Result:
    """Columns with their types, and rows. `raw` can be given to `Catalog.add` as it is."""

    columns: Columns
    raw: Any

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as Python values, in the order in which they came."""
        return [
            {name: decode(kind, cell) for (name, kind), cell in zip(self.columns.items(), row.cell, strict=True)}
            for row in self.raw.table_data.row
        ]

    @classmethod
    def of(cls, columns: Columns, rows: Sequence[Mapping[str, Any]]) -> "Result":
        """The same of Python values; a column that a row lacks is null."""
        content = service.TableContent()
        content.table_data.SetInParent()
        for row in rows:
            content.table_data.row.add().cell.extend(encode(kind, row.get(name)) for name, kind in columns.items())
        return cls(columns, content)

    def without_null_arrays(self) -> "Result":
        """As BigQuery stores and answers it: an array that is null becomes an empty one there."""
        places = [place for place, kind in enumerate(self.columns.values()) if kind.HasField("array_type")]
        for row in self.raw.table_data.row:
            for place in places:
                row.cell[place].array_value.SetInParent()
        return self


@dataclass
class Catalog:
    """The tables that statements may name, as `project.dataset.table`, with rows where a statement is to be run.

    `project` and `dataset` are what a name of fewer parts means.
    """

    project: str
    dataset: str | None = None
    tables: dict[tuple[str, str, str], Columns] = field(default_factory=dict)
    contents: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    registered: int | None = None

    def register(self) -> None:
        """Build the catalogue once for many analyses (until the next `add`): 20 ms less for each."""
        request = service.RegisterCatalogRequest(simple_catalog=_with_functions(self.nested("")))
        self.registered = _call("RegisterCatalog", request, service.RegisterResponse).registered_id

    def add(self, name: str, columns: Columns, content: Any = None) -> None:
        """A table by its full name (backticks allowed), in place of an earlier one."""
        project, dataset, table = name.replace("`", "").split(".", 2)
        self.tables[project, dataset, table] = dict(columns)
        self.contents.pop((project, dataset, table), None)
        if self.registered is not None:
            _call(
                "UnregisterCatalog", service.UnregisterRequest(registered_id=self.registered), service.RegisterResponse
            )
            self.registered = None
        if content is not None:
            self.contents[project, dataset, table] = content

    def add_rows(self, name: str, columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
        """A table with rows of Python values."""
        self.add(name, columns, Result.of(columns, rows).raw)

    def nested(self, sql: str) -> SimpleCatalogProto:
        """What `sql` may name (all, when it is empty): in three parts, in two, alone, and quoted as a whole."""
        root = SimpleCatalogProto(name="root")
        catalogs: dict[tuple[str, ...], SimpleCatalogProto] = {(): root}

        def inside(*path: str) -> SimpleCatalogProto:
            if path not in catalogs:
                catalogs[path] = inside(*path[:-1]).catalog.add(name=path[-1])
            return catalogs[path]

        for (project, dataset, name), columns in self._named_in(sql):
            places = [
                ((project, dataset), name),
                ((f"{project}.{dataset}",), name),
                ((), f"{project}.{dataset}.{name}"),
            ]
            if project == self.project:
                places += [((dataset,), name), ((), f"{dataset}.{name}")]
                if dataset == self.dataset:
                    places.append(((), name))
            # A view of BigQuery's own has two names within its dataset, such as INFORMATION_SCHEMA.JOBS.
            places += [
                ((*path, *last.split(".")[:-1]), last.split(".")[-1]) for path, last in places if path and "." in name
            ]
            for path, last in places:
                inside(*path).table.append(_table(last, columns))
        return root

    def flat(self, sql: str) -> SimpleCatalogProto:
        """What `sql` may name, by its whole name alone: contents are found for no other way."""
        root = SimpleCatalogProto(name="root")
        root.table.extend(_table(".".join(path), columns) for path, columns in self._named_in(sql))
        return root

    def _named_in(self, sql: str) -> list[tuple[tuple[str, str, str], Columns]]:
        low = sql.lower()
        return [(path, columns) for path, columns in self.tables.items() if not low or path[-1].lower() in low]


def _table(name: str, columns: Columns) -> SimpleTableProto:
    table = SimpleTableProto(name=name)
    for column, kind in columns.items():
        added = table.column.add(name=column, is_writable_column=True)
        added.type.CopyFrom(kind)
    return table


def analyze(sql: str, catalog: Catalog, params: Columns | None = None) -> Columns:
    """The columns of a query, or none of any other statement. Raises `RefusedError` with the analyzer's words."""
    request = service.AnalyzeRequest(sql_statement=sql, options=_options(params or {}))
    if catalog.registered is None:
        request.simple_catalog.CopyFrom(_with_functions(catalog.nested(sql)))
    else:
        request.registered_catalog_id = catalog.registered
    statement = _call("Analyze", request, service.AnalyzeResponse).resolved_statement
    if not statement.HasField("resolved_query_stmt_node"):
        return {}
    return {column.name: column.column.type for column in statement.resolved_query_stmt_node.output_column_list}


def analyze_all(sql: str, catalog: Catalog, params: Columns | None = None) -> None:
    """Every statement of a text, one after the other. What a statement makes is not known to the next."""
    text = sql.encode()
    place = 0
    while text[place:].strip():
        request = service.AnalyzeRequest(options=_options(params or {}))
        request.simple_catalog.CopyFrom(_with_functions(catalog.nested(sql)))
        request.parse_resume_location.input = sql
        request.parse_resume_location.byte_position = place
        place = _call("Analyze", request, service.AnalyzeResponse).resume_byte_position


def execute(sql: str, catalog: Catalog, params: Mapping[str, tuple[Type, Any]] | None = None) -> Result:
    """The rows of a query over the catalogue's contents, by the reference implementation."""
    bound = params or {}
    sql = flatten(sql)
    request = service.EvaluateQueryRequest(
        sql=sql,
        options=_options({name: kind for name, (kind, _) in bound.items()}),
        params=[service.Parameter(name=name, value=encode(kind, value)) for name, (kind, value) in bound.items()],
    )
    request.simple_catalog.CopyFrom(_with_functions(catalog.flat(sql)))
    for path, content in catalog.contents.items():
        if path[-1].lower() in sql.lower():
            request.table_content[".".join(path)].CopyFrom(content)
    answer = _call("EvaluateQuery", request, service.EvaluateQueryResponse)
    return Result({column.name: column.type for column in answer.prepared.columns}, answer.content)


def table_names(sql: str) -> list[tuple[str, ...]]:
    """The tables that a statement names, each as its parts are written; none of what does not parse."""
    request = service.ExtractTableNamesFromStatementRequest(sql_statement=sql, options=_language(), allow_script=True)
    try:
        answer = _call("ExtractTableNamesFromStatement", request, service.ExtractTableNamesFromStatementResponse)
    except RefusedError:
        return []
    return [tuple(name.table_name_segment) for name in answer.table_name]


def flatten(sql: str) -> str:
    """`p`.`d`.`t` (or `p`.`d`.t) as `p.d.t`, wherever it is no part of a text or a comment."""
    return _PATH.sub(lambda hit: hit[0] if hit["skip"] else f"`{hit['project']}.{hit['dataset']}.{hit['table']}`", sql)


@cache
def _language() -> Any:
    """GoogleSQL as BigQuery has it: external types, every kind of statement, without what other products have."""
    request = service.LanguageOptionsRequest(maximum_features=True)
    options = _call("GetLanguageOptions", request, proto_options.LanguageOptionsProto)
    options.product_mode = public_options.PRODUCT_EXTERNAL
    del options.supported_statement_kinds[:]
    absent = {public_options.LanguageFeature.Value(f"FEATURE_{name}") for name in _NOT_IN_BIGQUERY}
    kept = [feature for feature in options.enabled_language_features if feature not in absent]
    del options.enabled_language_features[:]
    options.enabled_language_features.extend(kept)
    return options


def _options(params: Columns) -> Any:
    options = proto_options.AnalyzerOptionsProto(
        language_options=_language(),
        default_timezone="UTC",
        error_message_mode=public_options.ERROR_MESSAGE_MULTI_LINE_WITH_CARET,
    )
    for name, kind in params.items():
        if name.startswith("#"):  # a parameter without a name is told by its place
            options.parameter_mode = public_options.PARAMETER_POSITIONAL
            options.positional_query_parameters.add().CopyFrom(kind)
            continue
        options.query_parameters.add(name=name.lower()).type.CopyFrom(kind)
    return options


def _with_functions(catalog: SimpleCatalogProto) -> SimpleCatalogProto:
    catalog.builtin_function_options.language_options.CopyFrom(_language())
    return catalog


def _call(method: str, request: Any, answer: Any) -> Any:
    """One call into WebAssembly: the request's bytes in, the answer's bytes out. One at a time: it knows no threads."""
    data = request.SerializeToString()
    with _LOCK:
        return answer.FromString(_exchange(f"ZetaSqlLocalService_{method}", data))


def _exchange(method: str, data: bytes) -> bytes:
    wasm = _wasm()
    exports, store = wasm.exports, wasm.store
    sent, size = exports["wasm_malloc"](store, len(data)), exports["wasm_malloc"](store, 4)
    try:
        ctypes.memmove(_address(wasm) + sent, data, len(data))
        got = exports[method](store, sent, len(data), size)
        if not got:
            raise RefusedError(_without_code(wasm.get_last_error()))
        length = int.from_bytes(ctypes.string_at(_address(wasm) + size, 4), "little")
        answer = ctypes.string_at(_address(wasm) + got, length)
        exports["wasm_free"](store, got)
        return answer
    finally:
        exports["wasm_free"](store, sent)
        exports["wasm_free"](store, size)


def _address(wasm: Any) -> int:
    """Where the memory of WebAssembly begins; asked each time, since it may grow."""
    return ctypes.addressof(wasm.memory.data_ptr().contents)


def _without_code(error: str) -> str:
    return re.sub(r"^Code: \d+, Message: ", "", error)


@cache
def _wasm() -> Any:
    """The module, started once a process: 20 seconds, and half a second once wasmtime's cache has it."""
    from wasmtime import WasmtimeError
    from zetasql.core import wasm_client
    from zetasql.wasi import get_wasm_path

    plain = wasm_client.Config

    def cached() -> Any:
        config = plain()
        with suppress(WasmtimeError):  # a home that cannot be written to
            config.cache = True
        return config

    wasm_client.Config = cached
    try:
        return wasm_client.WasmClient(get_wasm_path())
    finally:
        wasm_client.Config = plain
