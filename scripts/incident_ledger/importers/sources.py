"""Files and URLs → documents, read whole before anything is written."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from incident_ledger.errors import OutsideError, UserError
from incident_ledger.importers import Document

MAX_BYTES = 200 * 1024**2  # an archive of ten thousand incidents is about 20 MB
TIMEOUT = httpx.Timeout(20.0)  # seconds for each of connecting, writing and each read
MAX_SECONDS = 120.0  # for one URL as a whole


def read_documents(places: Sequence[str], *, on_read: Callable[[str], None] | None = None) -> list[Document]:
    """The content of each file or http(s) URL, in the order given.

    Raises `UserError` for a file that is missing, unreadable or too large; `OutsideError` for a URL that does not
    answer.
    """
    documents = []
    for place in places:
        documents.append(_from_url(place) if is_url(place) else _from_file(place))
        if on_read:
            on_read(place)
    return documents


def is_url(place: str) -> bool:
    """Whether it names something on the network."""
    return place.startswith(("http://", "https://"))


def _from_file(place: str) -> Document:
    path = Path(place)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{place} is larger than {MAX_BYTES // 1024**2} MB. Split it by lines.")
        return Document(place, path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{place}: there is no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{place} is a folder; name the files in it.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{place} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _from_url(place: str) -> Document:
    name = _without_login(place)
    ends = time.monotonic() + MAX_SECONDS
    content = bytearray()
    try:
        with httpx.stream("GET", place, timeout=TIMEOUT, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise OutsideError(f"{name} answered HTTP {answer.status_code}, not 200. Nothing was imported.")
            for part in answer.iter_bytes():
                content += part
                if len(content) > MAX_BYTES:
                    raise OutsideError(f"{name} answered more than {MAX_BYTES // 1024**2} MB. Nothing was imported.")
                if time.monotonic() > ends:
                    raise OutsideError(f"{name} was not done after {MAX_SECONDS:.0f} s. Nothing was imported.")
    except httpx.TimeoutException:
        raise OutsideError(f"{name} did not answer within {TIMEOUT.read:.0f} s. Nothing was imported.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OutsideError(f"{name} cannot be reached: {error}. Nothing was imported.") from None
    return Document(name, bytes(content))


def _without_login(place: str) -> str:
    """The URL without user, password and query, any of which may be a secret."""
    parts = urlsplit(place)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
