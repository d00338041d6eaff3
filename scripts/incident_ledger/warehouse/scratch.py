"""A table for one batch: what is too large for a request is loaded here, read by one statement and dropped."""

import json
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import bigquery

from incident_ledger.errors import OutsideError
from incident_ledger.ledger.events import canonical
from incident_ledger.warehouse.client import Warehouse

# BigQuery takes no request over 10 MB; a little is left for the statement and for what the transport adds.
MAX_REQUEST_BYTES = 9_000_000


def fits_request(items: Iterable[str], max_bytes: int = MAX_REQUEST_BYTES) -> bool:
    """Whether texts fit into one request, as a parameter that is a JSON array of them."""
    size = 0
    for item in items:
        # The transport writes the parameter as JSON once more, and everything that is not ASCII as \uXXXX.
        size += len(json.dumps(canonical(item)))
        if size > max_bytes:
            return False
    return True


@contextmanager
def batch(
    warehouse: Warehouse, items: Sequence[str], max_bytes: int = MAX_REQUEST_BYTES
) -> Iterator[tuple[str, dict[str, str]]]:
    """What one statement reads texts from, as `item`: a FROM clause and its parameter, or a scratch table and none."""
    if fits_request(items, max_bytes):
        yield "unnest(json_value_array(@items)) as item", {"items": canonical(list(items))}
        return
    with scratch_table(warehouse, items) as scratch:
        yield scratch, {}


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
