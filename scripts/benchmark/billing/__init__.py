"""What BigQuery would bill for the requests that commands send, and how long it would take: counted, not measured.

api_calls    requests as they come over HTTP, read as calls of BigQuery's API
day_sets     sets of days
conditions   the days that a condition on a partition column leaves, where constants alone say so
references   what a statement reads (tables, not views) and writes, with the days of each that it leaves
table_sizes  the tables of a warehouse, their views, and the bytes of each day
unbounded    statements that read from the beginning of a table that grows
charges      jobs, bytes, dollars and seconds, by the documented figures
schedule     how long charges take side by side
"""
