"""What analysts ask of the marts: questions in words with their queries, and metrics by name."""
