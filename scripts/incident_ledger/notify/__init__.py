"""Templates, outbox and channels."""
