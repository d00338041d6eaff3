"""Files and URLs → documents, read whole before anything is written."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from incident_ledger.deadline import within
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.importers import Document

MAX_BYTES = 32 * 1024**2  # an archive of ten thousand incidents is about 20 MB; JSON takes up to 30 times its size
TIMEOUT = httpx.Timeout(20.0)  # seconds for each of connecting, writing and each read
MAX_SECONDS = 120.0  # for one URL as a whole
MAX_REDIRECTS = 5


def read_documents(places: Sequence[str], *, on_read: Callable[[str], None] | None = None) -> list[Document]:
    """The content of each file or http(s) URL, in the order given.

    Raises `UserError` for a file that is missing, unreadable or too large; `OutsideError` for a URL that does not
    response.
    """
    documents = []
    for place in places:
        documents.append(_from_url(place) if is_url(place) else read_file(place))
        if on_read:
            on_read(place)
    return documents


def is_url(place: str) -> bool:
    """Whether it names something on the network."""
    return place.startswith(("http://", "https://"))


def read_file(place: str) -> Document:
    """The content of a file. Raises `UserError` when it is missing, unreadable or too large."""
    path = Path(place)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{place} is larger than {MAX_BYTES // 1024**2} MB. Split it: by lines, or by periods.")
        return Document(place, path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{place}: there is no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{place} is a folder; name the files in it.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{place} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _from_url(place: str) -> Document:
    """What a URL answers, in time as a whole: also where its head comes a byte a second."""
    name = _without_login(place)
    ended = within(MAX_SECONDS, lambda: _read(place, name))
    if ended.value is None or ended.is_late:
        raise OutsideError(f"{name} was not done after {MAX_SECONDS:.0f} s. Nothing was imported.")
    return Document(name, ended.value)


def _read(place: str, name: str) -> bytes:
    content = bytearray()
    try:
        with _following(place) as response:
            if response.status_code != httpx.codes.OK:
                raise OutsideError(f"{name} answered HTTP {response.status_code}, not 200. Nothing was imported.")
            for part in response.iter_bytes():
                content += part
                if len(content) > MAX_BYTES:
                    raise OutsideError(f"{name} answered more than {MAX_BYTES // 1024**2} MB. Nothing was imported.")
    except httpx.TimeoutException:
        raise OutsideError(f"{name} did not answer within {TIMEOUT.read:.0f} s. Nothing was imported.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OutsideError(f"{name} cannot be reached: {error}. Nothing was imported.") from None
    return bytes(content)


@contextmanager
def _following(place: str) -> Iterator[httpx.Response]:
    """The response of a URL, and of where it redirects to: by https anywhere, by http only on the same server.

    So a page outside of the network cannot have the inside requested, and none can have a file read. A login goes to
    its own server alone.
    """
    with httpx.Client(timeout=TIMEOUT) as client:
        request = client.build_request("GET", place)
        for _ in range(MAX_REDIRECTS):
            response = client.send(request, stream=True)
            target = response.next_request
            if target is None:
                break
            response.close()
            here, there = request.url, target.url
            is_same = (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port)
            if there.scheme != "https" and not is_same:
                raise OutsideError(
                    f"{_without_login(place)} redirects to {there.scheme}://{there.netloc.decode()}, which is not "
                    "followed (only https, or the same server). Nothing was imported."
                )
            request = target
        else:
            raise OutsideError(f"{_without_login(place)} redirects without end. Nothing was imported.")
        try:
            yield response
        finally:
            response.close()


def _without_login(place: str) -> str:
    """The URL without user, password and query, any of which may be a secret."""
    parts = urlsplit(place)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
