"""How often Python looks for garbage in cycles."""

import gc


def collect_seldom() -> None:
    """Look through new objects by the hundred thousand, and through all of them hardly ever.

    dbt and Great Expectations make a million objects that stay: by default all are looked through a dozen times while
    dbt parses the project, a fifth of its time. A statement is parsed into thousands that live shortly.
    """
    gc.set_threshold(100_000, 50, 100)
