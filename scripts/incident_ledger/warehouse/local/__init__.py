"""The local warehouse: an emulator behind BigQuery's API, in a process of its own."""
