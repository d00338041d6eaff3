"""A table for one batch of rows: loaded by a load job, read by one statement and dropped."""

import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import bigquery

from incident_ledger.encoding import canonical
from incident_ledger.errors import OutsideError
from incident_ledger.warehouse.client import Warehouse


@contextmanager
def scratch_table(warehouse: Warehouse, items: Iterable[str]) -> Iterator[str]:
    """The quoted name of a table with one STRING column `item`, filled by a load job; dropped at the end.

    It expires by itself after a day, so that a process that dies leaves nothing for ever.
    """
    settings, client = warehouse.settings, warehouse.client
    name = f"batch_{uuid.uuid4().hex}"
    table_id = f"{settings.project}.{settings.raw_dataset}.{name}"
    schema = [bigquery.SchemaField("item", "STRING", mode="REQUIRED")]
    table = bigquery.Table(table_id, schema=schema)
    table.expires = datetime.now(UTC) + timedelta(days=1)
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=schema)
    try:
        client.create_table(table, timeout=60)
        try:
            with tempfile.TemporaryFile() as data:
                data.writelines((canonical({"item": item}) + "\n").encode() for item in items)
                job = client.load_table_from_file(
                    data, table_id, rewind=True, job_config=config, timeout=settings.query_timeout
                )
                job.result(timeout=settings.query_timeout)
            yield warehouse.raw(name)
        finally:
            client.delete_table(table_id, not_found_ok=True, timeout=60)
    except (GoogleAPICallError, RetryError) as error:
        raise OutsideError(f"The warehouse refused a batch: {error}", detail=f"load job into {table_id}") from error
