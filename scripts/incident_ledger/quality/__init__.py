"""Great Expectations suites in, results out: which records break which rule, and how bad that is by the policy.

suites          a file of GX's own JSON, every rule accounted for: one that GX would drop is a finding
                (suite_types values, rule_schema what a rule must look like, rule_ids, legacy_format before GX 1.0,
                lint unknown keys and values, first_suite a beginning)
catalogue       which of GX's expectations cannot be evaluated, and which the schema answers
change_tracking which changes are recorded, read before a build
partitions      which day partitions changed since they were last checked
compiler        a rule and a table's schema to what is asked, pure; what GX does not document stays in it
scanner         that asked: all rules of a table in one grouped statement (a second one for uniqueness)
grading         counts and policy to severities, pure (result_types values, titles and rates texts)
results         rows of `quality_results` and `quality_batches`
breaches        the batches that a breach is made of, which signals are read from
checker         the way through all of it
docs            GX's Data Docs of the results
preload         the import of GX ahead of its use
"""
