"""`incident-ledger probe`: calls the targets of the policy once."""

from dataclasses import asdict
from datetime import UTC, datetime

from incident_ledger.cli._console import err, out, to_json, write_text
from incident_ledger.encoding import screen_line
from incident_ledger.probes import ProbeReport
from incident_ledger.probes import probe as call_all
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_WIDTH = 100


def probe(json: bool) -> None:
    """Call all targets, record what they answer, and say how they are."""
    report = call_all(connect(load_settings()), now=datetime.now(UTC))
    if json:
        write_text(to_json(asdict(report)))
    else:
        _print(report)


def _print(report: ProbeReport) -> None:
    for each in report.results:
        how = "ok" if each.failure_kind is None else each.failure_kind.replace("_", " ")
        detail = f"  {screen_line(each.detail, _WIDTH)}" if each.detail else ""
        _line(f"{screen_line(each.target_id, 30):<20}  {how:<14}  {each.latency_ms:>7,.0f} ms{detail}")
    for name, reason in report.not_watched:
        _line(f"{screen_line(name, 30):<20}  not watched     {reason}")
    for severity_level, title in report.open:
        _line(f"  {severity_level}  {screen_line(title, _WIDTH)}")
    for title in report.ended:
        _line(f"  over: {screen_line(title, _WIDTH)}")
    if not report.results:
        err.print("note: nothing is watched: seeds/policy/probe_targets.csv names the targets.", style="yellow")


def _line(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
