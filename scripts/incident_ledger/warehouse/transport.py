"""How requests reach BigQuery: never without a timeout, tried again only where that can help, errors in our words."""

import concurrent.futures
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from urllib3.exceptions import MaxRetryError, NewConnectionError

from incident_ledger.errors import IncidentLedgerError, OutsideError, StatementError, UserError
from incident_ledger.job_labels import label_jobs, with_labels
from incident_ledger.settings import MAX_THREADS
from incident_ledger.warehouse.local.damage import damage

CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 120.0
"""For requests whose caller gives no timeout of its own."""
RETRY_SECONDS = 60.0
CANCEL_SECONDS = 5.0
MAX_CONNECTIONS = MAX_THREADS + 16
"""Kept for each host, for the threads of a command and for look-ups beside them; more at once warn on the screen."""
MAX_STATEMENT_ATTEMPTS = 4
QUERY_LINES = 12
_TRIES_AGAIN = {"passing": 4, "reset": 1, "internal": 1}
"""How often a request is sent again, by what went wrong. A reset follows the local warehouse's HTTP 500."""
_PASSING_REASONS = {"backendError", "rateLimitExceeded", "jobBackendError", "jobInternalError", "jobRateLimitExceeded"}
_BY_SETTING = " (INCIDENT_LEDGER_QUERY_TIMEOUT)"
_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}
_CONFLICT = "due to concurrent update"


class Client(bigquery.Client):
    """Google's client with our timeouts and retries in every call, whoever makes it.

    Google's own tries a refused connection again for ten minutes. And its `query_and_wait` goes through `jobs.query`;
    here each statement is a job of its own (`jobs.insert`), whose id makes sending it twice harmless.
    """

    def __init__(
        self,
        *,
        project: str,
        location: str,
        credentials: Credentials,
        endpoint: str | None,
        limit: float,
        config: bigquery.QueryJobConfig,
    ) -> None:
        """`limit`: the seconds that no answer may take, whatever its caller would wait.

        `config` holds for every statement, whoever sends it; what a caller says of his own goes before it.
        """
        self._limit = limit
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        _restrict(session, endpoint, _Adapter(limit))
        super().__init__(
            project=project,
            location=location,
            credentials=credentials,
            client_options={"api_endpoint": endpoint} if endpoint else None,
            default_query_job_config=config,
            _http=session,
        )

    def query(self, query: str, job_config: Any = None, *args: Any, **options: Any) -> Any:
        """A job that was sent, with our labels; a failed one is tried again by `run`, not here."""
        config = with_labels(job_config or bigquery.QueryJobConfig(), self._limit)
        return super().query(query, config, *args, **{**options, "job_retry": None})

    def load_table_from_file(self, file_obj: Any, destination: Any, *args: Any, **options: Any) -> Any:
        """A load job that was sent, with our labels and a limit on its time."""
        options["job_config"] = with_labels(options.get("job_config") or bigquery.LoadJobConfig(), self._limit)
        return super().load_table_from_file(file_obj, destination, *args, **options)

    def query_and_wait(self, query: str, **options: Any) -> Any:
        """Rows of `query`, by way of `jobs.insert`."""
        seconds = options.get("wait_timeout")
        return self.run(query, options.get("job_config"), seconds if isinstance(seconds, int | float) else 600.0)[1]

    def run(self, sql: str, config: bigquery.QueryJobConfig | None, seconds: float) -> tuple[Any, Any]:
        """The finished job of a statement, and its rows. A passing fault of the service is tried again, three times.

        A statement that is not waited for any longer is cancelled: it would go on, and be paid for.
        """

        def once() -> tuple[Any, Any]:
            job_id = f"incident_ledger_{uuid.uuid4().hex}"
            try:
                job = self._sent(sql, config, job_id, seconds)
                return job, job.result(timeout=seconds, job_retry=None)
            except Exception as error:
                if is_time_up(error):
                    with suppress(Exception):  # the first fault is reported
                        self.cancel_job(job_id, timeout=CANCEL_SECONDS)
                raise

        attempts = Retrying(
            retry=retry_if_exception(_is_passing_fault_of_a_job),
            stop=stop_after_attempt(MAX_STATEMENT_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=8),
            reraise=True,
        )
        return attempts(once)

    def _sent(self, sql: str, config: bigquery.QueryJobConfig | None, job_id: str, seconds: float) -> Any:
        """The job of this id. Sent again after a lost answer, it is there already, and that is the one."""
        try:
            return self.query(sql, job_config=config, job_id=job_id, timeout=seconds)
        except exceptions.Conflict as conflict:
            try:
                return self.get_job(job_id, timeout=REQUEST_SECONDS)
            except exceptions.NotFound:
                raise conflict from None

    def _call_api(self, retry: Any, *args: Any, **options: Any) -> Any:
        return super()._call_api(_retry() if retry else None, *args, **options)


class _TimeIsUp(requests.exceptions.RequestException):
    """The setting's time is over. No `Timeout`: Google's own retries, dbt's among them, would wait for the next one."""


class _Adapter(HTTPAdapter):
    """Ten seconds to connect, and a limit on every answer: its caller's or `limit`, the setting, if that is shorter."""

    def __init__(self, limit: float, default: float = REQUEST_SECONDS) -> None:
        super().__init__(pool_maxsize=MAX_CONNECTIONS)
        self._limit = limit
        self._default = default

    def send(self, request: Any, stream: bool = False, timeout: Any = None, **options: Any) -> Any:  # type: ignore[override]
        seconds = min(timeout if isinstance(timeout, int | float) else self._default, self._limit)
        to_connect = min(CONNECT_SECONDS, seconds)
        try:
            return super().send(request, stream=stream, timeout=(to_connect, seconds), **options)
        except requests.exceptions.Timeout as error:
            waited = to_connect if isinstance(error, requests.exceptions.ConnectTimeout) else seconds
            if waited < self._limit:
                raise
            raise _TimeIsUp(f"no answer within {waited:g} s{_BY_SETTING}") from error


def _restrict(session: AuthorizedSession, endpoint: str | None, adapter: _Adapter) -> None:
    """Let a session use this adapter, and with an endpoint of one's own speak to that alone.

    Its token goes nowhere else then: no redirect is followed, no address is taken from an answer, and what is on this
    machine is asked directly, not by way of a proxy. A token that is refused is not tried again: it cannot be renewed.
    """
    session.adapters.clear()
    if endpoint is None:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return
    session.mount(endpoint.rstrip("/") + "/", adapter)
    session.max_redirects = 0
    session.trust_env = urlsplit(endpoint).hostname not in _THIS_MACHINE
    session._refresh_status_codes = ()


@contextmanager
def limited_dbt(limit: float) -> Iterator[None]:
    """The clients that dbt makes meanwhile are limited and labelled, too: most of its requests have no timeout."""
    from dbt.adapters.bigquery import clients

    original = clients._create_bigquery_client

    def limited(credentials: Any) -> Any:
        client = original(credentials)
        _restrict(client._http, credentials.api_endpoint, _Adapter(limit, default=limit))
        label_jobs(client, limit)
        return client

    clients._create_bigquery_client = limited
    try:
        yield
    finally:
        clients._create_bigquery_client = original


def _retry() -> Retry:
    """A retry for one call: it counts."""
    seen: Counter[str] = Counter()

    def again(error: Exception) -> bool:
        kind = _kind(error)
        if kind is None:
            return False
        seen[kind] += 1
        return seen[kind] <= _TRIES_AGAIN[kind]

    return Retry(predicate=again, initial=0.2, maximum=8.0, multiplier=2.0, timeout=RETRY_SECONDS)


def _kind(error: BaseException) -> str | None:
    """What kind of fault that may pass, or None."""
    if isinstance(error, requests.exceptions.Timeout) or is_refused(error):
        return None
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "reset"
    if _reason(error) in _PASSING_REASONS:
        return "passing"
    if isinstance(error, exceptions.TooManyRequests | exceptions.BadGateway | exceptions.ServiceUnavailable):
        return "passing"
    return "internal" if isinstance(error, exceptions.InternalServerError) else None


def _is_passing_fault_of_a_job(error: BaseException) -> bool:
    """The job failed without effect and may do better, as when another statement changed the same rows."""
    return isinstance(error, exceptions.GoogleAPICallError) and (
        _reason(error) in _PASSING_REASONS or _CONFLICT in str(error)
    )


def _reason(error: BaseException) -> str:
    errors = getattr(error, "errors", None)
    first = errors[0] if isinstance(errors, list | tuple) and errors else {}
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def is_time_up(error: BaseException) -> bool:
    """Whether nothing was heard in time; what was asked for may still be at work."""
    cause = error.cause if isinstance(error, exceptions.RetryError) and error.cause is not None else error
    return isinstance(cause, _TimeIsUp | requests.exceptions.ReadTimeout | concurrent.futures.TimeoutError)


def is_refused(error: BaseException) -> bool:
    """Nobody is at that address: waiting a little does not help."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


@contextmanager
def map_bigquery_errors(where: str, sql: str = "") -> Iterator[None]:
    """Turn what the client raises into our errors: one screen, the first lines of the query, no credentials."""
    try:
        yield
    except (
        exceptions.GoogleAPICallError,
        exceptions.RetryError,
        requests.exceptions.RequestException,
        GoogleAuthError,
        concurrent.futures.TimeoutError,
    ) as error:
        raise _explained(error, where, sql) from error


def _explained(error: Exception, where: str, sql: str) -> IncidentLedgerError:
    cause: BaseException = error
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        cause = error.cause
    detail = first_lines(sql)
    if (no_entry := _no_entry(cause, where, detail)) is not None:
        return no_entry
    if isinstance(cause, exceptions.GoogleAPICallError):
        errors = [item for item in (cause.errors or []) if isinstance(item, dict)]
        reason = _reason(cause) or type(cause).__name__
        message = str(errors[0].get("message") if errors else None or cause.message)
        failed = StatementError(f"The warehouse reports {reason}: {message[:1500]}", reason=reason, detail=detail)
        return (where != "BigQuery" and damage(message, f"the server {where}", is_start=False)) or failed
    if is_refused(cause):
        return OutsideError(
            f"Nothing answers at {where}. `incident-ledger warehouse status` shows the local warehouse; "
            "INCIDENT_LEDGER_API_ENDPOINT names another endpoint.",
            detail=detail,
        )
    if isinstance(cause, _TimeIsUp):
        return OutsideError(f"{where} gave {cause}.", detail=detail)
    if isinstance(cause, requests.exceptions.Timeout | concurrent.futures.TimeoutError):
        # Without a cause, Google's client gave a job up when the statement's own time was over.
        by_setting = "" if isinstance(cause, requests.exceptions.Timeout) or cause.__cause__ else _BY_SETTING
        return OutsideError(f"{where} gave no answer in time{by_setting}.", detail=detail)
    return OutsideError(f"The connection to {where} failed: {type(cause).__name__}.", detail=detail)


def _no_entry(cause: BaseException, where: str, detail: str) -> IncidentLedgerError | None:
    """Who we are was not accepted; None for every other fault."""
    if isinstance(cause, DefaultCredentialsError | RefreshError):
        return UserError(
            f"Google does not take the credentials ({str(cause.args[0])[:200]}). Run `gcloud auth application-default "
            "login`, or let GOOGLE_APPLICATION_CREDENTIALS name the key file of a service account."
        )
    if isinstance(cause, exceptions.Unauthorized):
        return OutsideError(
            f"{where} refuses this command's token: another server answers there by now. Run the command again. "
            "(Where INCIDENT_LEDGER_API_ENDPOINT names the server, INCIDENT_LEDGER_API_TOKEN must hold its token.)",
            detail=detail,
        )
    return None


def first_lines(sql: str) -> str:
    """The beginning of a query, for a message: a dozen lines of at most 200 characters."""
    lines = [line[:200] for line in sql.strip().splitlines()]
    more = [f"… {len(lines) - QUERY_LINES} more lines"] if len(lines) > QUERY_LINES else []
    return "\n".join(lines[:QUERY_LINES] + more)
