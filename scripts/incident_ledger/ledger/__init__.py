"""Events in, state out: the append-only record of incidents."""
