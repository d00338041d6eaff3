"""From a rule and a table's columns to what is asked of the warehouse: `compile_rule`, which is pure.

compile_rule the one way, with six ends: a clause of the batch's statement, a key, a query of its own, what the schema
             answers, what Great Expectations must compute, or why it cannot be asked
compiled     these ends
counts       counts from the values that a query gave
conditions   conditions that replace GX's where those differ from the design or from what BigQuery takes
gx           what a rule means to GX, by those of its parts that are not documented
alone        one thread at a time in GX
custom_sql   a suite's own SQL: one SELECT, or refused
typing       values of a suite as BigQuery types them
"""
