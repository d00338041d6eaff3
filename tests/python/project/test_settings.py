"""Settings that cannot be used are the user's (exit code 2), found before anything is sent."""

import re

import pytest

from conftest import PROJECT_DIR
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.settings import MAX_THREADS, Settings, load_settings
from incident_ledger.variables import SETTINGS, unknown_variables


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """The message for a setting that is wrong."""
    monkeypatch.setenv(f"INCIDENT_LEDGER_{name}", value)
    with pytest.raises(UserError) as caught:
        load_settings()
    assert caught.value.exit_code is ExitCode.USER
    text = str(caught.value)
    assert f"INCIDENT_LEDGER_{name}: " in text
    return text


@pytest.mark.parametrize("name", ["DATASET", "RAW_DATASET"])
@pytest.mark.parametrize("value", ["a-b", "a.b", "é", ""])
def test_a_dataset_holds_letters_digits_and_underscores(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert "may hold only letters, digits and '_'" in refusal(monkeypatch, name, value)


def test_a_project_may_hold_hyphens_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "letters, digits, '_' and '-'" in refusal(monkeypatch, "PROJECT", "a b")
    monkeypatch.setenv("INCIDENT_LEDGER_PROJECT", "a-b-1")
    assert load_settings().project == "a-b-1"


@pytest.mark.parametrize(
    ("value", "better"),
    [
        ("127.0.0.1:9", "http://127.0.0.1:9"),
        ("localhost:9050", "http://localhost:9050"),
        ("http://", "http://127.0.0.1:9050"),
        ("http://localhost:port", "http://127.0.0.1:9050"),
        ("http://[::1", "http://127.0.0.1:9050"),
        ("", "http://127.0.0.1:9050"),
    ],
)
def test_an_endpoint_is_an_address_with_its_scheme(monkeypatch: pytest.MonkeyPatch, value: str, better: str) -> None:
    assert refusal(monkeypatch, "API_ENDPOINT", value).endswith(f"write {better}")


def test_a_password_in_an_endpoint_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "secret" not in refusal(monkeypatch, "API_ENDPOINT", "user:secret@localhost:9050")


@pytest.mark.parametrize(("value", "bound"), [("0", "greater than or equal to 1"), ("65", "less than or equal to 64")])
def test_threads_are_from_one_to_as_many_as_have_a_connection(
    monkeypatch: pytest.MonkeyPatch, value: str, bound: str
) -> None:
    assert bound in refusal(monkeypatch, "THREADS", value)
    monkeypatch.setenv("INCIDENT_LEDGER_THREADS", str(MAX_THREADS))
    assert load_settings().threads == MAX_THREADS


@pytest.mark.parametrize("value", ["http://127.0.0.1:9", "https://bigquery.example.com", "http://[::1]:9050"])
def test_an_endpoint_with_its_scheme_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("INCIDENT_LEDGER_API_ENDPOINT", value)
    assert load_settings().api_endpoint == value


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("INCIDENT_LEDGER_DATESET", "INCIDENT_LEDGER_DATASET"),
        ("INCIDENT_LEDGER_CHANNEL", "INCIDENT_LEDGER_CHANNELS"),
        ("incident_ledger_treads", "INCIDENT_LEDGER_THREADS"),
        ("INCIDENT_LEDGER_", None),
        ("INCIDENT_LEDGER_XYZZY", None),
    ],
)
def test_a_variable_that_is_no_setting_is_named_with_the_nearest(name: str, nearest: str | None) -> None:
    assert unknown_variables([name, "HOME"]) == {name: nearest}


def test_names_of_the_settings_are_those_of_their_fields() -> None:
    assert [name.lower() for name in SETTINGS] == list(Settings.model_fields)


def test_every_setting_and_what_dbt_reads_is_known() -> None:
    read_by_dbt = re.findall(r"INCIDENT_LEDGER_\w+", (PROJECT_DIR / "profiles.yml").read_text())
    settings = [f"INCIDENT_LEDGER_{name.upper()}" for name in Settings.model_fields]
    assert unknown_variables([*settings, *read_by_dbt, "INCIDENT_LEDGER_AS_OF", "incident_ledger_target"]) == {}
