"""What must be right for a run to work, and what to do where it is not."""
