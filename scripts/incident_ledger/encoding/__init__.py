"""How values become text and text becomes values, once for the whole package: JSON, times, and what a text may hold."""

from incident_ledger.encoding.json_text import (
    MAX_DEPTH,
    Fault,
    JsonError,
    canonical,
    find_fault,
    path_text,
    read_json,
    scan_json,
    written_json,
)
from incident_ledger.encoding.texts import clean, escaped, one_line, screen_line, shortened, text_problem
from incident_ledger.encoding.times import TimeError, iso_time, parse_span, parse_time, timestamp

__all__ = [
    "MAX_DEPTH",
    "Fault",
    "JsonError",
    "TimeError",
    "canonical",
    "clean",
    "escaped",
    "find_fault",
    "iso_time",
    "one_line",
    "parse_span",
    "parse_time",
    "path_text",
    "read_json",
    "scan_json",
    "screen_line",
    "shortened",
    "text_problem",
    "timestamp",
    "written_json",
]
