"""A real browser over its DevTools pipe: what a page shows, logs and asks of the network."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
_SECONDS = 120


class Page:
    """One tab. `problems` are exceptions, console errors and what the policy refused; `requests` all addresses."""

    def __init__(self, to_browser: BinaryIO, from_browser: BinaryIO) -> None:
        self._to, self._from = to_browser, from_browser
        self._number, self._session = 0, ""
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def open(self, path: Path, fragment: str = "") -> None:
        """A file, until its script is done (or there is none)."""
        self.problems.clear()
        self.requests.clear()
        self._send("Page.navigate", url="about:blank")
        self._send("Page.navigate", url=path.as_uri() + fragment)
        until = time.monotonic() + _SECONDS
        ready = "document.readyState === 'complete' && location.protocol === 'file:'"
        while not self.value(ready):
            assert time.monotonic() < until, "the page did not load"
            time.sleep(0.02)

    def prefer(self, scheme: str, media: str = "") -> None:
        """What the reader's system prefers from now on, `light` or `dark`; with `print` as on paper."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._send("Emulation.setEmulatedMedia", media=media, features=features)

    def pdf(self) -> bytes:
        """The page as a person prints it."""
        answer = self._send("Page.printToPDF", preferCSSPageSize=False, paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(answer["data"])

    def resize(self, width: int) -> None:
        """A window of so many pixels from now on."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=1200, deviceScaleFactor=1, mobile=False)

    def value(self, script: str) -> Any:
        """What an expression gives. Raises `AssertionError` with its exception."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def reset(self) -> None:
        """All filters to `all`."""
        self.value("document.querySelector('#filters button').click()")
        self.value("new Promise(done => setTimeout(done, 30))")

    def choose(self, **choices: str) -> None:
        """Choose in filters, as a person does."""
        for name, value in choices.items():
            self.value(
                f"(select => {{ select.value = {json.dumps(value)};"
                " select.dispatchEvent(new Event('change', {bubbles: true})) })"
                f"(document.getElementById('filter-{name}'))"
            )
            assert self.value(f"document.getElementById('filter-{name}').value") == value, "no such option"

    def rows(self, card: str) -> list[dict[str, str]]:
        """The table of a card as it is shown: each row's texts by the names of the query's columns."""
        script = """(place => {
            const names = [...place.querySelectorAll('th')].map(each => each.dataset.column);
            return [...place.querySelectorAll('tbody tr')].map(row =>
                Object.fromEntries([...row.cells].map((cell, number) => [names[number], cell.textContent])));
        })(document.getElementById(%s))"""
        found: list[dict[str, str]] = self.value(script % json.dumps(card))
        return found

    def figures(self, card: str) -> dict[str, str]:
        """The large numbers of a card by the names of the query's columns."""
        script = """Object.fromEntries([...document.querySelectorAll('#%s dd')].map(
            each => [each.dataset.column, each.textContent]))"""
        found: dict[str, str] = self.value(script % card)
        return found

    def text(self, selector: str) -> str:
        """The text of the first such element."""
        return str(self.value(f"document.querySelector({json.dumps(selector)}).textContent"))

    def states(self) -> dict[str, str]:
        """How each card was drawn: rows, empty, failed; none for one that was not."""
        script = "Object.fromEntries([...document.querySelectorAll('section.card')].map(e => [e.id, e.dataset.drawn]))"
        found: dict[str, str] = self.value(script)
        return found

    def _send(self, method: str, **params: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        found: dict[str, Any] = json.loads(text)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning"}:
                self.problems.append(json.dumps(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.problems.append(params["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A browser with a profile of its own, ended with the block."""
    from_us, to_us = os.pipe(), os.pipe()
    options = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={profile}",
        "--window-size=1440,1200", "about:blank",
    ]  # fmt: skip
    # DevTools reads its third and writes its fourth file.
    shell = f'exec "$@" 3<&{from_us[0]} 4>&{to_us[1]}'
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with subprocess.Popen(
        ["/bin/bash", "-c", shell, "browser", str(CHROMIUM), *options],
        pass_fds=(from_us[0], to_us[1]),
        env=clean,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(from_us[0])
        os.close(to_us[1])
        try:
            with os.fdopen(from_us[1], "wb") as to_browser, os.fdopen(to_us[0], "rb") as from_browser:
                yield Page(to_browser, from_browser)
        finally:
            process.terminate()
