"""From state, signals and policy to events: pure."""
