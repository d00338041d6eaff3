"""Rules of a suite as SQL conditions.

gx         what a rule means to GX, as SQL conditions; and its own answers for what has no condition
conditions conditions that replace GX's where those differ from the design or from what BigQuery takes
typing     values of a suite as BigQuery types them
"""
