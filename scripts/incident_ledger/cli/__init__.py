"""The terminal: the only part that parses arguments, prints and exits."""
