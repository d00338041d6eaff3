"""Mail over TLS: `mailtos://` is encrypted to a server that is whom it says, or nothing is sent."""

import ipaddress
import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from incident_ledger.notify.channels.base import Outcome, Result
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.delivery import deliver
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from notify.helpers import POLICY, START, detected, enqueue
from notify.servers import Mailbox, smtp_server
from notify.test_mail import envelope

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]

PASSWORD = "Geheimnis7"
LOGIN = ("someone", PASSWORD)


@dataclass(frozen=True)
class Identity:
    """A certificate for this machine, which nobody trusts yet, and the server that has it."""

    certificate: Path
    server: ssl.SSLContext


def identity(folder: Path, address: str = "127.0.0.1") -> Identity:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail of the test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, private)
    return Identity(certificate, server)


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identity:
    """A certificate that this machine trusts."""
    made = identity(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    return made


def modes(server: ssl.SSLContext) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is added to the URL, and how the server is made, by mode."""
    return {
        "starttls": ("", {"tls_context": server, "require_starttls": True}),
        "ssl": ("&mode=ssl", {"ssl_context": server}),
    }


def send(mailbox: Mailbox, query: str = "", *, scheme: str = "mailtos", password: str = PASSWORD) -> Result:
    url = f"{scheme}://someone:{password}@127.0.0.1:{mailbox.port}?from=a@example.com{query}"
    return channels(Settings(channels=url), 5.0)[0].send(envelope(detected("P1")))


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_the_message_and_the_login_are_encrypted(mode: str, known: Identity) -> None:
    query, server = modes(known.server)[mode]
    with smtp_server(LOGIN, **server) as mailbox:
        assert send(mailbox, query) == Result(Outcome.SENT)
    assert mailbox.is_encrypted == [True]
    assert mailbox.logins == 1
    assert mailbox.mails[0]["Subject"] == detected("P1").subject


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_certificate_that_nobody_vouches_for_is_refused_and_the_error_says_so(mode: str, tmp_path: Path) -> None:
    query, server = modes(identity(tmp_path).server)[mode]
    with smtp_server(LOGIN, **server) as mailbox:
        result = send(mailbox, query)
    assert result.outcome is Outcome.FAILED
    assert result.error
    assert result.error.startswith(f"127.0.0.1:{mailbox.port}: ")
    assert "certificate verify failed: self-signed certificate" in result.error
    assert (mailbox.mails, mailbox.logins) == ([], 0)


def test_a_certificate_of_another_server_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = identity(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate))
    with smtp_server(LOGIN, tls_context=other.server, require_starttls=True) as mailbox:
        result = send(mailbox)
    assert result.outcome is Outcome.FAILED
    assert result.error and "IP address mismatch" in result.error
    assert (mailbox.mails, mailbox.logins) == ([], 0)


def test_verification_is_left_out_only_by_the_urls_own_word(tmp_path: Path) -> None:
    with smtp_server(LOGIN, tls_context=identity(tmp_path).server, require_starttls=True) as mailbox:
        assert send(mailbox, "&verify=no").outcome is Outcome.SENT
    assert mailbox.is_encrypted == [True]


@pytest.mark.parametrize(
    ("query", "reason"), [("", "STARTTLS extension not supported by server"), ("&mode=ssl", "WRONG_VERSION_NUMBER")]
)
def test_a_server_without_tls_gets_neither_password_nor_mail(query: str, reason: str) -> None:
    with smtp_server(LOGIN) as mailbox:
        result = send(mailbox, query)
    assert result.outcome is Outcome.FAILED
    assert result.error and reason in result.error
    assert (mailbox.mails, mailbox.logins) == ([], 0)


def test_mailto_is_not_encrypted_whatever_the_server_offers(known: Identity) -> None:
    """As README says; a server that demands encryption refuses it."""
    with smtp_server(tls_context=known.server) as offering:
        assert send(offering, scheme="mailto", password="").outcome is Outcome.SENT
    assert offering.is_encrypted == [False]
    with smtp_server(tls_context=known.server, require_starttls=True) as demanding:
        result = send(demanding, scheme="mailto", password="")
    assert result.outcome is Outcome.FAILED
    assert result.error == "530 Must issue a STARTTLS command first"
    assert demanding.mails == []


@pytest.mark.parametrize("fault", ["login", "no tls", "no server"])
def test_the_password_is_in_no_error_log_or_table(
    fault: str,
    warehouse: Warehouse,
    known: Identity,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server = {} if fault == "no tls" else {"tls_context": known.server, "require_starttls": True}
    caplog.set_level(logging.NOTSET)
    with smtp_server(("someone", "another"), **server) as mailbox:
        port = 9 if fault == "no server" else mailbox.port
        url = f"mailtos://someone:{PASSWORD}@127.0.0.1:{port}?from=a@example.com"
        settings = warehouse.settings.model_copy(update={"channels": SecretStr(url)})
        place = Warehouse(warehouse.client, settings, warehouse.endpoint)
        enqueue(place, [detected("P1")], START)
        (delivery,) = deliver(place, settings, POLICY, START)
    (row,) = place.rows(f"select * from {place.raw('notifications')}")
    assert (row["attempts"], row["sent_at"], bool(row["last_error"])) == (1, None, True)
    assert bool(mailbox.logins) == (fault == "login")
    assert PASSWORD not in f"{row} {delivery} {caplog.text} {capfd.readouterr()} {settings}"
