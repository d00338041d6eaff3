"""Settings that cannot be used are the user's (exit code 2), found before anything is sent; README names each one."""

import pytest

from incident_ledger.errors import ExitCode, UserError
from incident_ledger.settings import load_settings


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """What is said of a setting that is wrong."""
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
