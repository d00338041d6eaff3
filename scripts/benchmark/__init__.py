"""Measures what README quotes, as ratios of things measured in one run on one machine: `make benchmark`.

parts     the parts by name, and their sizes
places    warehouses of its own in a temporary folder, commands against them, their time and memory
figures   medians and ratios, and the page that they are written to
counting  the local warehouse's server once more, which also notes requests and the rows that each statement reads
bill      what `run` and `tick` would cost on BigQuery; `billing` is the model
build     `incident-ledger run` beside a bare `dbt build` of the same models
rules     ten rules on a large table beside one hand-written statement, and beside Great Expectations as it comes
startup   help, completion and `incident list` beside the imports that they need at least
history   a daily run after a long history beside one after a short history
"""
