"""What the commands do, a module for each of `cli`: imported when one is called."""
