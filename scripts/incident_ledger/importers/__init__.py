"""From the records of another system to incident events, or to landed rows."""
