"""A team's own templates, and the commands that show them and try the channels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner, Result

from conftest import PROJECT_DIR
from incident_ledger.cli._app import app
from incident_ledger.doctor.channel_checks import check_templates
from incident_ledger.doctor.findings import Finding, Grade
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.rendering import BUILT_IN, BUILT_IN_FOLDER, Templates, template_names
from incident_ledger.notify.samples import sample_messages
from incident_ledger.settings import Settings
from notify.helpers import POLICY, START, event, incident
from notify.servers import smtp_server, webhook

Write = Callable[..., Templates]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Files of a folder of templates, by name; their templates."""

    def files(**texts: str) -> Templates:
        for name, text in texts.items():
            (tmp_path / f"{name.replace('__', '.')}.j2").write_text(text)
        return Templates(tmp_path)

    return files


def composed(templates: Templates, title: str = "T") -> Message:
    cause = event("detected", severity="P2", title=title)
    return compose(cause, incident("P2", title=title), POLICY, START, templates=templates)[0]


def problems(templates: Templates) -> list[Finding]:
    settings = Settings(templates=str(templates.folder), project_dir=PROJECT_DIR)
    return [each for each in check_templates(settings, POLICY, START) if each.grade is Grade.WRONG]


def test_a_file_replaces_the_template_of_its_name_and_no_other(write: Write) -> None:
    own = composed(write(initial__txt="{{ severity }}: {{ title }}\n"))
    assert own.text == "P2 - Medium: T\n"
    assert own.html == composed(BUILT_IN).html
    assert own.message_id == composed(BUILT_IN).message_id


def test_a_part_that_is_replaced_is_in_every_template_that_takes_it(write: Write) -> None:
    own = composed(write(_known__txt="Ask on #incidents."))
    assert "Ask on #incidents." in own.text


def test_texts_of_data_are_never_read_as_a_template_nor_as_html(write: Write) -> None:
    title = "{{ 7 * 7 }} <b>"
    own = composed(write(initial__txt="{{ title }}", initial__html="<p>{{ title }}</p>"), title)
    assert own.text == f"{title}\n"
    assert own.html == "<p>{{ 7 * 7 }} &lt;b&gt;</p>"


BAD = {
    "unknown_field": ("{{ severty }}", "names severty; the fields are about, actions, answer"),
    "not_closed": ("{% if title %}", "line 1: Unexpected end of template"),
    "not_text": ("{{ title.nothing }}", "has no attribute 'nothing'"),
    "outside_the_sandbox": ("{{ title.__class__.__mro__ }}", "unsafe"),
    "endless": ("{% include 'initial.txt.j2' %}", "recursion"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_that_cannot_be_used_is_found_by_doctor_and_the_packages_own_is_sent(name: str, write: Write) -> None:
    text, words = BAD[name]
    templates = write(initial__txt=text)
    (finding,) = problems(templates)
    assert words in finding.text
    assert finding.text.startswith(str(templates.folder))
    sent = composed(templates)
    assert sent.text.startswith(composed(BUILT_IN).text)
    assert "(The template initial.txt.j2 of your own cannot be used: " in sent.text


def test_a_file_that_replaces_nothing_is_named(write: Write) -> None:
    (finding,) = problems(write(intial__txt="x"))
    assert f"intial.txt.j2: is the name of no template; there are {', '.join(template_names())}" in finding.text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (finding,) = problems(Templates(tmp_path / "nowhere"))
    assert "is not a folder" in finding.text


def test_copies_of_the_packages_own_can_be_used(tmp_path: Path) -> None:
    for path in BUILT_IN_FOLDER.glob("*.j2"):
        (tmp_path / path.name).write_text(path.read_text())
    assert problems(Templates(tmp_path)) == []


@pytest.mark.parametrize("severity", ["P0", "P1", "P2", "P3"])
def test_the_samples_are_every_message_that_the_policy_has_for_a_severity(severity: str) -> None:
    rules = POLICY.rows("notification_rules", START)
    wanted = {row["template"] for row in rules if row["severity_level"] == severity} - {None}
    assert {message.template for message in sample_messages(POLICY, severity, START)} == wanted


def run(*args: str, **variables: str) -> Result:
    return CliRunner(env={f"INCIDENT_LEDGER_{name}": value for name, value in variables.items()}).invoke(
        app, ["notify", *args]
    )


def test_preview_shows_the_messages_with_their_subject_and_audience(tmp_path: Path, write: Write) -> None:
    write(review__txt="Our own words for {{ incident_id }}")
    shown = run("preview", "review", PROJECT_DIR=str(PROJECT_DIR), TEMPLATES=str(tmp_path))
    assert shown.stdout.startswith(
        "review, to Engineering On-Call: engineering-oncall@samba.tv\nSubject: [INCIDENT-P1]"
    )
    assert "\n\nOur own words for INC-" in shown.stdout
    html = run("preview", "initial", "--severity", "P3", "--html", PROJECT_DIR=str(PROJECT_DIR))
    assert html.stdout.lstrip().startswith("<!DOCTYPE html>")


def test_preview_of_what_the_policy_has_not_is_refused() -> None:
    refused = run("preview", "review", "--severity", "P3", PROJECT_DIR=str(PROJECT_DIR))
    assert isinstance(refused.exception, UserError)
    assert "The policy has no message 'review' for a P3; there are initial, " in str(refused.exception)


def test_a_test_goes_through_each_channel_and_says_that_it_is_one(tmp_path: Path) -> None:
    with smtp_server() as mailbox, webhook() as hook:
        mail = f"mail=mailto://127.0.0.1:{mailbox.port}?from=ledger@example.com"
        channels = f"{mail},hook=json://127.0.0.1:{hook.port}"
        sent = run("test", "--to", "ada@example.com", CHANNELS=channels, LOCAL_DIR=str(tmp_path))
    assert sent.stdout == "mail: sent\nhook: sent\n"
    (received,) = mailbox.mails
    assert received["Subject"] == "[TEST] Incident Ledger reaches you"
    assert "No incident was opened" in hook.bodies[0]["message"]


def test_a_channel_that_does_not_take_the_test_is_named(tmp_path: Path) -> None:
    with webhook() as hook:
        hook.answers = [(403, {}, 0.0)]
        refused = run("test", CHANNELS=f"hook=json://127.0.0.1:{hook.port}", LOCAL_DIR=str(tmp_path))
    assert isinstance(refused.exception, OutsideError)
    assert "1 of 1 channels did not take the test: hook" in str(refused.exception)
    unknown: Any = run("test", "pager", CHANNELS="hook=json://127.0.0.1:1", LOCAL_DIR=str(tmp_path)).exception
    assert str(unknown) == "There is no channel 'pager'; there are hook."


def test_a_message_has_the_address_of_its_dashboard_where_it_says_how_to_see_more() -> None:
    address = "https://metabase.example.com/dashboard/1?tab=2&x=<y>"
    own = composed(Templates.of(Settings(project_dir=PROJECT_DIR, dashboard_urls={"system-health": address})))
    before = composed(BUILT_IN)
    assert own.text == before.text.rstrip("\n") + f"; dashboard: {address}\n"
    assert own.html.count("; dashboard: https://metabase.example.com/dashboard/1?tab=2&amp;x=&lt;y&gt;") == 1
    assert own.message_id == before.message_id
    other = Templates.of(Settings(project_dir=PROJECT_DIR, dashboard_urls={"compliance": address}))
    assert composed(other).text == before.text


def test_a_message_has_the_address_of_its_incidents_page() -> None:
    urls = {
        "incident": "https://pages.example.com/incident-{incident_id}.html",
        "system-health": "https://m.example.com",
    }
    own = composed(Templates.of(Settings(project_dir=PROJECT_DIR, dashboard_urls=urls)))
    page = f"https://pages.example.com/incident-{own.incident_id}.html"
    assert own.text == composed(BUILT_IN).text.rstrip("\n") + f"; its page: {page}; dashboard: https://m.example.com\n"
    assert own.html.count(page) == 1


def test_an_address_of_incidents_pages_says_where_the_id_stands() -> None:
    with pytest.raises(ValidationError, match="where its id is to stand"):
        Settings(dashboard_urls='{"incident": "https://pages.example.com"}')  # type: ignore[arg-type]
