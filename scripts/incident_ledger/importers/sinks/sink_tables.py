"""The tables of Cloud Logging's sinks, and of the inventory of keys, as far as models read them."""

from dataclasses import dataclass

from incident_ledger.errors import UserError
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX
from incident_ledger.warehouse.nested_tables import Fields

_ENTRY: Fields = {
    "insertId": "STRING",
    "logName": "STRING",
    "timestamp": "TIMESTAMP",
    "receiveTimestamp": "TIMESTAMP",
    "severity": "STRING",
}
# What a table calls otherwise than the entry does.
ENTRY_NAMES = {
    "protopayload_auditlog": "protoPayload",
    "requestJson": "request",
    "metadataJson": "metadata",
    "asset_type": "assetType",
    "update_time": "updateTime",
}
# Texts that hold a JSON object of the entry.
JSON_TEXTS = ("requestJson", "metadataJson", "resource.data")


@dataclass(frozen=True, kw_only=True)
class Sink:
    """A sink: its name, which is that of dbt's source and of the setting, and the columns of its table.

    No entry may lack a value of `keys`: together they say which entry it is. The table's days are those of `time`.
    Where entries have no `received`, who lists them gives no time: one that has none is of when it is loaded.
    """

    name: str
    columns: Fields
    keys: tuple[str, ...] = ("insertId", "logName", "timestamp")
    time: str = "timestamp"
    received: str | None = "receiveTimestamp"

    @property
    def variable(self) -> str:
        """The environment variable that names the table."""
        return PREFIX + self.name.upper()


SINKS = {
    each.name: each
    for each in (
        Sink(
            name="pipeline_logs",
            columns={
                **_ENTRY,
                "jsonPayload": {
                    "operation": "STRING",
                    "status": "STRING",
                    "event_type": "STRING",
                    "message": "STRING",
                    "run_id": "STRING",
                    "duration_seconds": "FLOAT64",
                    "secret_name": "STRING",
                    "principal": "STRING",
                },
            },
        ),
        Sink(
            name="audit_logs",
            columns={
                **_ENTRY,
                "protopayload_auditlog": {
                    "serviceName": "STRING",
                    "methodName": "STRING",
                    "resourceName": "STRING",
                    "requestJson": "STRING",
                    "metadataJson": "STRING",
                    "authenticationInfo": {"principalEmail": "STRING"},
                    "requestMetadata": {"callerIp": "STRING"},
                    "status": {"code": "INT64", "message": "STRING"},
                },
            },
        ),
        # An export of Cloud Asset Inventory, with the time at which it was read.
        Sink(
            name="key_inventory",
            columns={
                "name": "STRING",
                "asset_type": "STRING",
                "resource": {"data": "STRING", "location": "STRING"},
                "update_time": "TIMESTAMP",
                "readTime": "TIMESTAMP",
            },
            keys=("name", "readTime"),
            time="readTime",
            received=None,
        ),
    )
}


def find_sink(name: str) -> Sink:
    """A sink by its name. Raises `UserError`."""
    try:
        return SINKS[name]
    except KeyError:
        raise UserError(f"{name!r} is not a sink. Known are: {', '.join(SINKS)}.") from None


def sink_location(sink: Sink, settings: Settings) -> tuple[str, str]:
    """The dataset and table that the setting names. Raises `UserError` where it names none, or another project's."""
    named = str(getattr(settings, sink.name))
    if not named:
        raise UserError(
            f"{sink.variable} is not set: nobody watches this sink. Name the table, such as "
            f"{settings.raw_dataset}.{sink.name}; it is made when it is not there."
        )
    *project, dataset, table = named.split(".")
    if project and project != [settings.project]:
        raise UserError(
            f"{sink.variable} names a table of project {project[0]}: load writes to {settings.project} alone."
        )
    return dataset, table
