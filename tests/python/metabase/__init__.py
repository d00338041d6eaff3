"""The dashboards in Metabase: files, and a server of the tests' own."""
