"""Subjects of mails, as they stand in the mail and as two decoders read them."""

import email
import re
from email import policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.encoding import one_line
from incident_ledger.notify.channels.base import Envelope
from incident_ledger.notify.channels.mime import email_bytes
from notify.helpers import ID, START

HEADER = re.compile(rb"^Subject: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n", re.MULTILINE)
ENCODED_WORD = re.compile(r"=\?utf-8\?[bq]\?[^? ]+\?=")
# What a title may hold: quotes, angle brackets, blanks, emoji of one and of several characters, encoded words as text.
PIECES = (
    "🚨",
    "👩\u200d🚒",
    "ü",
    "…",
    "'q'",
    '"dq"',
    "<script>",
    "word",
    " ",
    "  ",
    " \x00 ",
    "_",
    "?",
    "=20",
    "=?utf-8?q?x?=",
)
TITLES = st.builds(
    lambda before, filler, pieces: before + "x" * filler + "".join(pieces),
    st.sampled_from(["", "[INCIDENT-P1] ", "[INCIDENT-P1] <script>… 'q' "]),
    st.integers(0, 80),
    st.lists(st.sampled_from(PIECES), max_size=40),
)


def mail(subject: str) -> bytes:
    envelope = Envelope(
        message_id="m1", incident_id=ID, template="initial", severity_level="P1", recipients=("to@example.com",),
        subject=subject, text="", html="", created_at=START,
    )  # fmt: skip
    return email_bytes(envelope, "from@example.com", envelope.recipients)


def raw_subject(data: bytes) -> str:
    found = HEADER.search(data)
    assert found
    return found[1].decode("ascii")


@given(TITLES)
def test_any_subject_arrives_as_it_was_in_lines_and_encoded_words_that_the_rfc_allows(title: str) -> None:
    data, subject = mail(title), one_line(title)
    read = email.message_from_bytes(data, policy=policy.default)["Subject"]
    assert (str(read), read.defects) == (subject, ())
    assert str(make_header(decode_header(email.message_from_bytes(data)["Subject"]))) == subject
    raw = raw_subject(data)
    if raw != subject:
        assert all(ENCODED_WORD.fullmatch(word) and len(word) <= 75 for word in raw.split())
        assert all(len(line) <= 76 for line in f"Subject: {raw}".split("\r\n"))


def test_an_emoji_between_quotes_at_the_fold_leaves_no_empty_encoded_word() -> None:
    """Seen: `'q' =?utf-8?q??=`, and then the emoji on the next line."""
    for filler in range(80):
        raw = raw_subject(mail(f"[INCIDENT-P1] <script>… {'x' * filler} 'q' 🚨 \"dq\""))
        assert "??=" not in raw


@pytest.mark.parametrize("title", ["Slow answers", "'q' \"dq\" <script>", "a" * 180, "word " * 30])
def test_a_plain_subject_stays_plain_and_on_one_line(title: str) -> None:
    assert raw_subject(mail(title)) == title.strip()


def test_a_title_that_looks_encoded_is_not_decoded_by_the_reader() -> None:
    data = mail("=?utf-8?q?not_a_code?=")
    assert email.message_from_bytes(data, policy=policy.default)["Subject"] == "=?utf-8?q?not_a_code?="
