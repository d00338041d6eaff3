"""`analyses/local_warehouse.md`: what the local warehouse computes as BigQuery does, and what it refuses."""

from pathlib import Path

from conftest import PROJECT_DIR
from incident_ledger.warehouse.local.functions.check import proven, refused, shown

PATH: Path = PROJECT_DIR / "analyses" / "local_warehouse.md"
_BY_VALUE = (
    "what such a refusal waits for: over no rows at all `percentile_cont` of NUMERIC gives NULL, as NUMERIC",
    "NaN and infinity (`cast('nan' as float64)`), which DuckDB orders and adds otherwise",
    "NUMERIC in `sqrt exp ln log log10 pow`, the trigonometric functions, `stddev` and its like, `div` and `ieee_divide`",
    "`round` and `trunc` of NUMERIC to a number of places that is no literal",
    "the JSON of TIMESTAMP, DATETIME, TIME, NUMERIC, BYTES, NULL, whole FLOAT64 and numbers of 15 digits and more",
    "elements of `format` but `%d %i %x %X %o` of INT64, `%f %F %e %E` of FLOAT64, `%f %F` of NUMERIC, `%s`, and `%t` of "
    "STRING, INT64, BOOL and DATE",
    'JSON paths other than `$.name[0]."other name"`, and those that are computed',
    "elements of formats that the catalogue did not prove (`%c`, `%k`, `%l`, `%P`, `%q`, `%Z`; in `parse_…` "
    "also `%j`, `%s`)",
    "types that DuckDB has no such function for (`reverse` of BYTES)",
)


def document() -> str:
    """The whole page."""
    lines = [
        "# What the local warehouse computes as BigQuery does",
        "",
        "Made by `python -m engines.catalogue` in `tests/python`; a test holds it equal.",
        "",
        "The local warehouse answers what Google's own reference implementation of GoogleSQL answers, by value "
        "and type, or it",
        'refuses: "The local warehouse cannot compute … as BigQuery does". Which of the two is decided by a catalogue of',
        "expressions with edge values (`tests/python/engines/catalogue`), which both engines compute in `make "
        "soak`, and a sample",
        "of it in `make test`. Floats are equal within 4 units in the last place. A function that the catalogue "
        "does not name is refused.",
        "",
        "## Refused by name",
        "",
        *(f"- {line}" for line in sorted(f"`{shown(key)}`" for key in refused())),
        "",
        "## Refused by value or type",
        "",
        *(f"- {line}" for line in _BY_VALUE),
        "",
        "## Proven",
        "",
        *_paragraph(sorted(proven())),
    ]
    return "\n".join(lines) + "\n"


def _paragraph(words: list[str]) -> list[str]:
    lines, line = [], ""
    for word in (f"`{shown(word)}`" for word in words):
        if len(line) + len(word) > 110:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    return [*lines, line.rstrip()]
