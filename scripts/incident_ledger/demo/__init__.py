"""A story of one morning, on generated data: what `make demo` shows."""
