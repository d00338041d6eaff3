"""The differential catalogue: GoogleSQL's functions with their edge values, by Google and by the local warehouse."""
