"""Files of others into tables: read whole, typed, sent by one load job."""
