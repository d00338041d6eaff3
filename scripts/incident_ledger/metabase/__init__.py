"""The dashboards in Metabase: what it is to have, as files of its serialization or by its REST API."""
