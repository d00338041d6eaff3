"""GoogleSQL types and values: from BigQuery's names and Python's values to the analyzer's protocol and back."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

Type = type_pb2.TypeProto
Value = value_pb2.ValueProto

# The names that BigQuery gives (SQL's and the REST API's) and the analyzer's own.
KINDS = {
    "INT64": type_pb2.TYPE_INT64,
    "INTEGER": type_pb2.TYPE_INT64,
    "FLOAT64": type_pb2.TYPE_DOUBLE,
    "FLOAT": type_pb2.TYPE_DOUBLE,
    "NUMERIC": type_pb2.TYPE_NUMERIC,
    "BIGNUMERIC": type_pb2.TYPE_BIGNUMERIC,
    "BOOL": type_pb2.TYPE_BOOL,
    "BOOLEAN": type_pb2.TYPE_BOOL,
    "STRING": type_pb2.TYPE_STRING,
    "BYTES": type_pb2.TYPE_BYTES,
    "DATE": type_pb2.TYPE_DATE,
    "DATETIME": type_pb2.TYPE_DATETIME,
    "TIME": type_pb2.TYPE_TIME,
    "TIMESTAMP": type_pb2.TYPE_TIMESTAMP,
    "JSON": type_pb2.TYPE_JSON,
    "GEOGRAPHY": type_pb2.TYPE_GEOGRAPHY,
    "INTERVAL": type_pb2.TYPE_INTERVAL,
}
NAMES = {kind: name for name, kind in reversed(KINDS.items())}
_EPOCH = date(1970, 1, 1)
_NUMERIC_SCALE = 9
_BIGNUMERIC_SCALE = 38
_EXACT = Context(prec=100)  # Python's own 28 digits are fewer than NUMERIC's 38
# One unit in the last place per addition is what two engines may differ by, when they add in another order.
_RELATIVE = 1e-12


def simple(name: str) -> Type:
    """The type of a scalar name; parameters as in `NUMERIC(10, 2)` bound values and are no part of the type."""
    bare = name.partition("(")[0].strip().upper()
    if bare not in KINDS:
        raise ValueError(f"{name!r} is no type of BigQuery")
    return Type(type_kind=KINDS[bare])


def array(element: Type) -> Type:
    """ARRAY<element>."""
    made = Type(type_kind=type_pb2.TYPE_ARRAY)
    made.array_type.element_type.CopyFrom(element)
    return made


def struct(fields: Sequence[tuple[str, Type]]) -> Type:
    """STRUCT<name type, …>."""
    made = Type(type_kind=type_pb2.TYPE_STRUCT)
    made.struct_type.SetInParent()
    for name, kind in fields:
        field = made.struct_type.field.add()
        field.field_name = name
        field.field_type.CopyFrom(kind)
    return made


def parse_type(text: str) -> Type:
    """The type that `text` names, as in a contract: `array<struct<a string, b int64>>`."""
    text = text.strip()
    inner = re.fullmatch(r"(?is)(array|struct)\s*<(.*)>", text)
    if inner is None:
        return simple(text)
    if inner[1].lower() == "array":
        return array(parse_type(inner[2]))
    return struct([_parse_field(part) for part in _split(inner[2])])


def _parse_field(text: str) -> tuple[str, Type]:
    name, kind = text.strip().split(None, 1)
    return name.strip("`"), parse_type(kind)


def _split(text: str) -> list[str]:
    """Parts between the commas that stand in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def field_type(field: Mapping[str, Any]) -> Type:
    """The type of one field of a table's schema, as BigQuery's API gives it."""
    if field["type"].upper() in {"RECORD", "STRUCT"}:
        kind = struct([(inner["name"], field_type(inner)) for inner in field["fields"]])
    else:
        kind = simple(field["type"])
    return array(kind) if field.get("mode", "").upper() == "REPEATED" else kind


def parameter_type(parameter: Mapping[str, Any]) -> Type:
    """The type of a query parameter, as BigQuery's API takes it."""
    if parameter["type"] == "ARRAY":
        return array(parameter_type(parameter["arrayType"]))
    if parameter["type"] == "STRUCT":
        return struct([(inner.get("name", ""), parameter_type(inner["type"])) for inner in parameter["structTypes"]])
    return simple(parameter["type"])


def type_name(kind: Type) -> str:
    """The type as SQL writes it."""
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        return f"ARRAY<{type_name(kind.array_type.element_type)}>"
    if kind.type_kind == type_pb2.TYPE_STRUCT:
        fields = (f"{field.field_name} {type_name(field.field_type)}".strip() for field in kind.struct_type.field)
        return f"STRUCT<{', '.join(fields)}>"
    return NAMES.get(kind.type_kind, type_pb2.TypeKind.Name(kind.type_kind))


def decode(kind: Type, value: Value) -> Any:
    """The Python value, as BigQuery's client would give it: an array that is null is answered as an empty one."""
    if value.WhichOneof("value") is None:
        return [] if kind.type_kind == type_pb2.TYPE_ARRAY else None
    decoder = _DECODERS.get(kind.type_kind)
    if decoder is not None:
        return decoder(value)
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        return [decode(kind.array_type.element_type, element) for element in value.array_value.element]
    if kind.type_kind == type_pb2.TYPE_STRUCT:
        pairs = zip(kind.struct_type.field, value.struct_value.field, strict=True)
        return {field.field_name: decode(field.field_type, inner) for field, inner in pairs}
    raise ValueError(f"values of {type_name(kind)} are not read")


def encode(kind: Type, value: Any) -> Value:
    """The protocol's value of a Python value of this type."""
    made = Value()
    if value is None:
        return made
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        made.array_value.element.extend(encode(kind.array_type.element_type, element) for element in value)
        made.array_value.SetInParent()
    elif kind.type_kind == type_pb2.TYPE_STRUCT:
        made.struct_value.field.extend(
            encode(field.field_type, value[field.field_name]) for field in kind.struct_type.field
        )
        made.struct_value.SetInParent()
    else:
        _ENCODERS[kind.type_kind](made, value)
    return made


def same(ours: Any, theirs: Any) -> bool:
    """Equal by value: floats within their last places, structures part by part, JSON without regard to key order."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return math.isclose(ours, theirs, rel_tol=_RELATIVE, abs_tol=1e-12) or (math.isnan(ours) and math.isnan(theirs))
    if isinstance(theirs, float) and isinstance(ours, int):
        return same(theirs, ours)
    return bool(ours == theirs)


def _timestamp(value: Value) -> datetime:
    stamp = value.timestamp_value
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def _datetime(value: Value) -> datetime:
    """Packed as year, month, day, hour, minute, second from the high bits down."""
    packed = value.datetime_value.bit_field_datetime_seconds
    parts = [(packed >> shift) & mask for shift, mask in ((26, 0x3FFF), (22, 15), (17, 31), (12, 31), (6, 63), (0, 63))]
    year, month, day, hour, minute, second = parts
    return datetime(year, month, day, hour, minute, second, value.datetime_value.nanos // 1000)  # noqa: DTZ001


def _time(value: Value) -> time:
    packed = value.time_value
    nanos, rest = packed & 0x3FFFFFFF, packed >> 30
    return time((rest >> 12) & 31, (rest >> 6) & 63, rest & 63, nanos // 1000)


def _set_time(made: Value, value: time) -> None:
    packed = (value.hour << 12) | (value.minute << 6) | value.second
    made.time_value = (packed << 30) | value.microsecond * 1000


def _set_datetime(made: Value, value: datetime) -> None:
    packed = (value.year << 26) | (value.month << 22) | (value.day << 17)
    packed |= (value.hour << 12) | (value.minute << 6) | value.second
    made.datetime_value.bit_field_datetime_seconds = packed
    made.datetime_value.nanos = value.microsecond * 1000


def _numeric(value: Value) -> Decimal:
    return Decimal(int.from_bytes(value.numeric_value, "little", signed=True)).scaleb(-_NUMERIC_SCALE, _EXACT)


def _bignumeric(value: Value) -> Decimal:
    return Decimal(int.from_bytes(value.bignumeric_value, "little", signed=True)).scaleb(-_BIGNUMERIC_SCALE, _EXACT)


def _set_timestamp(made: Value, value: datetime) -> None:
    made.timestamp_value.FromDatetime(value.astimezone(UTC).replace(tzinfo=None))


def _set_numeric(made: Value, value: Decimal) -> None:
    whole = int(Decimal(value).scaleb(_NUMERIC_SCALE, _EXACT))
    made.numeric_value = whole.to_bytes(whole.bit_length() // 8 + 1, "little", signed=True)


def _set_json(made: Value, value: Any) -> None:
    made.json_value = json.dumps(value, ensure_ascii=False)


_DECODERS = {
    type_pb2.TYPE_INT64: lambda value: value.int64_value,
    type_pb2.TYPE_DOUBLE: lambda value: value.double_value,
    type_pb2.TYPE_BOOL: lambda value: value.bool_value,
    type_pb2.TYPE_STRING: lambda value: value.string_value,
    type_pb2.TYPE_BYTES: lambda value: value.bytes_value,
    type_pb2.TYPE_DATE: lambda value: _EPOCH + timedelta(days=value.date_value),
    type_pb2.TYPE_TIMESTAMP: _timestamp,
    type_pb2.TYPE_DATETIME: _datetime,
    type_pb2.TYPE_TIME: _time,
    type_pb2.TYPE_NUMERIC: _numeric,
    type_pb2.TYPE_BIGNUMERIC: _bignumeric,
    type_pb2.TYPE_JSON: lambda value: json.loads(value.json_value),
}
_ENCODERS = {
    type_pb2.TYPE_INT64: lambda made, value: setattr(made, "int64_value", value),
    type_pb2.TYPE_DOUBLE: lambda made, value: setattr(made, "double_value", value),
    type_pb2.TYPE_BOOL: lambda made, value: setattr(made, "bool_value", value),
    type_pb2.TYPE_STRING: lambda made, value: setattr(made, "string_value", value),
    type_pb2.TYPE_BYTES: lambda made, value: setattr(made, "bytes_value", value),
    type_pb2.TYPE_DATE: lambda made, value: setattr(made, "date_value", (value - _EPOCH).days),
    type_pb2.TYPE_TIMESTAMP: _set_timestamp,
    type_pb2.TYPE_DATETIME: _set_datetime,
    type_pb2.TYPE_TIME: _set_time,
    type_pb2.TYPE_NUMERIC: _set_numeric,
    type_pb2.TYPE_JSON: _set_json,
}
