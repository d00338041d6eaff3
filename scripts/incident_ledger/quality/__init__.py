"""Great Expectations suites in, results out: which records break which rule, and how bad that is by the policy.

suites    a file of GX's own JSON, every rule accounted for: one that GX would drop is a finding
          (suite_types values, rule_forms what a rule must look like, rule_ids, old_forms before GX 1.0, lint what
          nobody knows, first_suite a beginning)
catalogue which of GX's expectations count records, and which cannot be evaluated
own_sql   a suite's own SQL: one SELECT, or refused
seen      what is recorded of changes, read before a build
batches   which day partitions changed since they were last checked
metrics   what GX says that a rule means, as SQL conditions; and its own answers for what has no condition
counts    conditions of our own where GX's differ from the design or from what BigQuery takes
scan      all rules of a table in one grouped statement (a second one for uniqueness)
verdict   counts and policy to severities, pure
results   rows of `quality_results` and `quality_batches`
breaches  the batches that a breach is made of, which signals are asked of
rows      rows and moments as a statement takes them
check     the way through all of it
"""


def preload() -> None:
    """Import Great Expectations (about 3 seconds): a caller with something else to do may call this in a thread."""
    import great_expectations.core  # noqa: F401

    from incident_ledger.quality import metrics

    metrics.quiet()
