"""In production somebody must be notified: no channel is a mistake, and a folder is one only where it is named."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.doctor.channel_checks import check_channels
from incident_ledger.doctor.findings import Grade
from incident_ledger.errors import UserError
from incident_ledger.notify.channels.base import BrokenChannel, Outcome
from incident_ledger.notify.channels.registry import channel_names, channels, require_channels
from incident_ledger.settings import Settings
from notify.helpers import detected
from notify.test_mail import envelope


@pytest.mark.parametrize("command", [["run"], ["tick"], ["watch"], ["outbox", "retry"]])
@pytest.mark.parametrize("value", ["", " \n, "])
def test_a_command_that_sends_is_refused_in_production_without_a_channel(command: list[str], value: str) -> None:
    env = {"INCIDENT_LEDGER_TARGET": "prod", "INCIDENT_LEDGER_CHANNELS": value}
    result = CliRunner().invoke(app, command, env=env)
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2
    assert "INCIDENT_LEDGER_CHANNELS names no channel: messages would go to nobody" in str(result.exception)


def test_whoever_opens_the_channels_of_production_is_refused_and_doctor_says_so() -> None:
    nobody = Settings(target="prod")
    with pytest.raises(UserError, match="would go to nobody"):
        channels(nobody, 5.0)
    (finding,) = check_channels(nobody)
    assert (finding.grade, finding.exit_code) == (Grade.WRONG, 2)
    assert "folder:///srv/incident-ledger/outbox" in finding.text


def test_a_folder_that_is_named_takes_messages_in_production(tmp_path: Path) -> None:
    place = tmp_path / "a folder"
    settings = Settings(target="prod", channels=f"files=folder://{tmp_path}/a%20folder")
    require_channels(settings)
    (way,) = channels(settings, 5.0)
    assert (way.name, way.send(envelope(detected())).outcome) == ("files", Outcome.SENT)
    assert [path.name for path in place.iterdir()] == [f"{detected().message_id}.eml"]
    (finding,) = check_channels(settings)
    assert finding.grade is Grade.OK
    assert str(place) in finding.text


def test_a_folder_can_stand_beside_other_channels_and_has_the_name_of_the_default(tmp_path: Path) -> None:
    settings = Settings(local_dir=tmp_path, channels="folder://, hook=json://127.0.0.1:9")
    assert channel_names(settings) == [channel_names(Settings())[0], "hook"] == ["folder", "hook"]
    folder, _ = channels(settings, 5.0)
    assert folder.send(envelope(detected())).outcome is Outcome.SENT
    assert (tmp_path / "outbox" / f"{detected().message_id}.eml").is_file()


def test_a_folder_without_an_absolute_path_is_a_broken_channel() -> None:
    (way,) = channels(Settings(channels=SecretStr("folder://relative/path")), 5.0)
    assert isinstance(way, BrokenChannel)
    assert way.reason == "INCIDENT_LEDGER_CHANNELS: entry 1 is not an absolute path: folder:///path"


@pytest.mark.parametrize("url", ["json://[::1", "mailto://[x", "folder:///a%00b"])
def test_a_url_that_nobody_can_parse_is_a_broken_channel_that_keeps_its_messages(url: str) -> None:
    (way,) = channels(Settings(channels=SecretStr(url)), 5.0)
    assert isinstance(way, BrokenChannel)
    assert way.send(envelope(detected())).outcome is Outcome.FAILED
