"""The shape of a policy table is that of the YAML beside its seed; a YAML that cannot be used is refused by name."""

from pathlib import Path

import pytest

from incident_ledger.errors import UserError
from incident_ledger.policy import seeds as shapes
from incident_ledger.policy.seeds import Column, Kind, policy_tables
from incident_ledger.properties import read_properties


def test_columns_key_subject_and_order_are_those_of_the_yaml() -> None:
    table = policy_tables()["quality_thresholds"]
    measures = ("failed_record_rate", "failed_validation_rate")
    assert table.columns[0] == Column("measure", Kind.TEXT, required=True, choices=measures)
    assert table.columns[-1] == Column("valid_from", Kind.TIMESTAMP, required=False)
    assert (table.key, table.subject) == (("measure", "severity_level"), ("measure",))
    assert table.order == ("measure", "valid_from", "lower_percent")


def test_rows_without_a_beginning_have_no_versions() -> None:
    assert not policy_tables()["contacts"].is_versioned
    assert policy_tables()["contacts"].subject == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "data_type: timestamp",
            "data_type: datetime",
            r"audiences\.yml: .*\.valid_from\.data_type: ",
        ),
        ("meta: {order:", "meta: {orders:", r"audiences\.yml: .*audiences\.config\.meta\.order: "),
        ("order: [severity_level,", "order: [severity,", r"audiences\.yml: .*severity: is not a column of it"),
        ("columns:", "columns", r"audiences\.yml:\d+: is not YAML"),
    ],
)
def test_yaml_that_cannot_be_used_is_refused_with_its_place(seeds: Path, old: str, new: str, message: str) -> None:
    path = seeds / "audiences.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=message):
        read_properties("seeds/policy/audiences.yml", shapes._Seeds, seeds.parents[1])
