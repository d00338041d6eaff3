"""GoogleSQL's functions as the local warehouse computes them: proven equal to Google's own, or refused by name.

    check     which functions and parts a statement uses, and whether each is proven
    proven    the list of those, made by the catalogue in `tests/python/engines/catalogue`
    refused   what it need not try
    spelling  calls that DuckDB would compute otherwise, renamed to our own as `calls` says
    date_times, numbers, strings, conversions    our own, as DuckDB's macros
    macros    all of these, as the server registers them
    python, formats, printf    our own, where SQL does not say it, as functions of Python

Only the local warehouse's server imports this (`fixes/functions.py`).
"""
