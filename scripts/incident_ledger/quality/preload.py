"""The import of Great Expectations ahead of its use."""


def preload() -> None:
    """Import Great Expectations (about 3 seconds): a caller with something else to do may call this in a thread."""
    import great_expectations.core  # noqa: F401

    from incident_ledger.quality.compiler import gx

    gx.quiet()
