"""Great Expectations in, results out."""
