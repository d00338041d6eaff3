"""The week's report as an e-mail: its charts have the review's numbers, and nothing of it is a link or a script."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.channels.mime import email_bytes
from incident_ledger.postmortem.weekly import week_of, weekly_review
from incident_ledger.postmortem.weekly_mail import bars, weekly_mail
from postmortem.test_weekly import NOW, WEEK, lived
from simulated import POLICY


class Cells(HTMLParser):
    """The texts of table cells, the tags, and the widths of the bars."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def mail(*incidents: IncidentState) -> EmailMessage:
    found = weekly_mail(week_of(incidents, POLICY, WEEK, WEEK + timedelta(days=7), NOW), ["a@example.com"])
    data = email_bytes(found, "ledger@example.com", found.recipients)
    assert data == email_bytes(found, "ledger@example.com", found.recipients)
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    (found,) = [each for each in message.walk() if each.get_content_type() == kind]
    assert isinstance(found, EmailMessage)
    return str(found.get_content())


def test_a_bar_is_as_long_as_its_number_and_what_there_is_is_seen() -> None:
    assert [bar.width for bar in bars([("a", 200), ("b", 100), ("c", 1), ("d", 0)])] == [100, 50, 1, 0]
    assert bars([]) == []
    assert [bar.width for bar in bars([("a", 0)])] == [0]


def test_text_and_charts_have_the_numbers_of_the_review() -> None:
    incidents = (lived("P2", "a"), lived("P2", "b", days=1), lived("P1", "open", lasts=None), lived("P2", "c", days=8))
    message = mail(*incidents)
    assert message["Subject"] == "[INCIDENT] Weekly review 2026-03-02 to 2026-03-08: 3 detected, 2 resolved, 1 open"
    week = week_of(incidents, POLICY, WEEK, WEEK + timedelta(days=7), NOW)
    assert part(message, "text/plain").splitlines() == weekly_review(week).splitlines()
    cells = Cells(part(message, "text/html"))
    by_day = cells.texts[cells.texts.index("Detected, by day") + 1 :]
    assert by_day[:6] == ["Mon 2026-03-02", "2", "Tue 2026-03-03", "1", "Wed 2026-03-04", "0"]
    widths = [int(value[:-1]) for name, value in cells.attributes if name == "width" and value and value.endswith("%")]
    assert {50, 100} <= set(widths)


def test_it_is_of_no_incident_and_has_one_id() -> None:
    first, second = mail(lived("P2", "a")), mail()
    assert first["Message-ID"] == second["Message-ID"]
    assert not {"X-Incident-ID", "In-Reply-To", "References"} & set(first.keys())
    assert "Nothing." in part(second, "text/html")


def test_a_title_is_text_and_nothing_is_fetched() -> None:
    html = part(mail(lived("P1", "<script>alert(1)</script>", lasts=None)), "text/html")
    cells = Cells(html)
    assert "&lt;script&gt;" in html
    assert not {"script", "img", "link", "a", "iframe"} & cells.tags
    assert not re.search(r"https?://|url\(", html)
