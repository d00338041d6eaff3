"""A page in a real browser of this machine gets nothing from the local warehouse, and changes nothing there."""

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from incident_ledger.warehouse import Warehouse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAGE = """<!doctype html><body><iframe name=t></iframe>
<form id=f method=post enctype=text/plain target=t action="%(url)s"></form>
<script>
const body = JSON.stringify({query: "create table `%(table)s` as select 1 as a", useLegacySql: false});
const results = [];
async function attempt(name, ...args) {
  try {
    const answer = await fetch(...args);
    results.push([name, answer.type, answer.status, answer.type === "opaque" ? "" : await answer.text()]);
  } catch (error) { results.push([name, "refused", 0, ""]); }
}
(async () => {
  for (const host of ["127.0.0.1", "localhost", "evil.test"]) {
    const url = "%(url)s".replace("127.0.0.1", host);
    await attempt("plain", url, {method: "POST", body, headers: {"Content-Type": "text/plain"}});
    await attempt("no-cors", url, {method: "POST", body, mode: "no-cors"});
    await attempt("json", url, {method: "POST", body, headers: {"Content-Type": "application/json"}});
    await attempt("guessed", url, {method: "POST", body, headers: {Authorization: "Bearer guessed"}});
    await attempt("read", url.replace("/queries", "/datasets"), {});
    navigator.sendBeacon(url, body);
  }
  const field = document.createElement("input");
  field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}';
  document.getElementById("f").append(field);
  document.getElementById("f").submit();
  await new Promise(done => setTimeout(done, 1000));
  await fetch("/results", {method: "POST", body: JSON.stringify(results)});
})();
</script>"""


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, str], list[list[object]], threading.Event]]:
    """A web site: its address, the page that it serves, and what the page posts to it."""
    page: dict[str, str] = {}
    results: list[list[object]] = []
    posted = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(page["html"].encode())

        def do_POST(self) -> None:
            results.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")
            posted.set()

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", page, results, posted
        server.shutdown()
        thread.join()


Site = tuple[str, dict[str, str], list[list[object]], threading.Event]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


def visit(site: Site, warehouse: Warehouse, profile: Path) -> None:
    """Open the page, which tries the warehouse, and wait until it has posted what came of it."""
    address, page, _results, posted = site
    settings = warehouse.settings
    url = f"{warehouse.endpoint}/bigquery/v2/projects/{settings.project}/queries"
    page["html"] = PAGE % {"url": url, "table": f"{settings.project}.{settings.dataset}.by_a_page"}
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--host-resolver-rules=MAP evil.test 127.0.0.1", "--disable-background-networking",
        f"--user-data-dir={profile}", address,
    ]  # fmt: skip
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            assert posted.wait(timeout=120), "the page did not come to its end"
        finally:
            browser.terminate()


@needs_chromium
def test_a_page_in_a_browser_runs_nothing_and_learns_nothing(fixed: Warehouse, site: Site, tmp_path: Path) -> None:
    visit(site, fixed, tmp_path)
    results = site[2]
    assert len(results) == 15
    assert {(kind, status, text) for _name, kind, status, text in results} <= {("refused", 0, ""), ("opaque", 0, "")}
    assert not fixed.table_exists(fixed.settings.dataset, "by_a_page")


@needs_chromium
def test_the_same_page_makes_a_table_where_nobody_asks_for_a_token(
    unfixed: Warehouse, site: Site, tmp_path: Path
) -> None:
    visit(site, unfixed, tmp_path)
    assert unfixed.table_exists(unfixed.settings.dataset, "by_a_page")
