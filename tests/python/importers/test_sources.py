"""Files and URLs, read whole before anything is written."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from incident_ledger.errors import OutsideError, UserError
from incident_ledger.importers import sources
from incident_ledger.importers.sources import read_documents

# Where a page may not lead: a service of the inside that answers by http, another port of this machine, a file.
MOVED = {"/inside": "http://169.254.169.254/latest", "/port": "http://127.0.0.1:1/x", "/file": "file:///etc/passwd"}


class Page(BaseHTTPRequestHandler):
    """A status page with moods."""

    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(1.5)
        moved = {"/moved": "/api/v2/incidents.json", "/round": "/round", **MOVED}.get(self.path)
        self.send_response(302 if moved else 503 if self.path == "/down" else 200)
        if moved:
            self.send_header("Location", moved)
        self.end_headers()
        if self.path == "/drips":
            with contextlib.suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
        try:
            self.wfile.write(b"x" * 5000 if self.path == "/large" else b'{"incidents": []}')
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def page() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_url_is_read_and_redirects_are_followed(page: str) -> None:
    (document,) = read_documents([f"{page}/moved"])
    assert document.content == b'{"incidents": []}'


@pytest.mark.parametrize("path", MOVED)
def test_a_page_cannot_have_the_inside_asked_or_a_file_read(page: str, path: str) -> None:
    with pytest.raises(OutsideError, match=r"is not followed|cannot be reached"):
        read_documents([page + path])


def test_a_page_that_leads_in_circles_is_an_outside_error(page: str) -> None:
    with pytest.raises(OutsideError, match="redirects without end"):
        read_documents([f"{page}/round"])


def test_a_page_that_drips_is_cut_off_at_the_deadline(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_SECONDS", 0.4)
    with pytest.raises(OutsideError, match=r"was not done after 0 s\. Nothing was imported"):
        read_documents([f"{page}/drips"])


def test_login_and_query_of_a_url_are_in_no_message(page: str) -> None:
    (document,) = read_documents([page.replace("//", "//me:secret@") + "/a?token=secret"])
    assert document.name == f"{page}/a"


def test_url_that_does_not_answer_in_time_is_an_outside_error(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "TIMEOUT", httpx.Timeout(0.2))
    with pytest.raises(OutsideError, match=r"/slow did not answer within .* Nothing was imported"):
        read_documents([f"{page}/slow"])


@pytest.mark.parametrize("path", ["/down", "/large"])
def test_url_that_answers_badly_is_an_outside_error(page: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 1000)
    with pytest.raises(OutsideError, match=r"HTTP 503|more than 0 MB"):
        read_documents([page + path])


def test_nobody_there_is_an_outside_error() -> None:
    with pytest.raises(OutsideError, match="cannot be reached"):
        read_documents(["http://127.0.0.1:9/incidents.json"])


def test_missing_file_folder_and_too_large_a_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"nothing\.json: there is no such file"):
        read_documents([str(tmp_path / "nothing.json")])
    with pytest.raises(UserError, match="is a folder"):
        read_documents([str(tmp_path)])
    (tmp_path / "large").write_text("x" * 2000)
    monkeypatch.setattr(sources, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="larger than"):
        read_documents([str(tmp_path / "large")])
