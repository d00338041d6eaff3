"""What the steps of a run say of themselves, in one line each."""

from collections.abc import Sequence

from incident_ledger.dbt_runner import NodeResult
from incident_ledger.notify.queries import ChannelFinding
from incident_ledger.runner.steps import Outcome, Step, counted


def summarise_channels(step: Step, findings: Sequence[ChannelFinding], *, sent: int) -> None:
    """How many messages were sent, and what the channels did not take."""
    step.summary = counted(sent, "message") + "".join(f"; {finding}" for finding in findings)
    if findings:
        step.outcome = Outcome.FAILED
        step.detail["channels"] = [str(finding) for finding in findings]


def summarise_nodes(step: Step, results: list[NodeResult]) -> None:
    """How many nodes dbt built, and which failed."""
    errors = [node for node in results if node.is_error]
    skipped = [node for node in results if node.is_skipped]
    failed_tests = [node for node in results if node.is_failed_test]
    step.summary = f"{len(results)} nodes"
    if failed_tests:
        step.outcome = Outcome.WARNING
        step.summary += f", {len(failed_tests)} data tests found rows: {_names(failed_tests)}"
    if errors or skipped:
        step.outcome = Outcome.FAILED
        step.summary += f", {len(errors)} failed: {_names(errors)}; {len(skipped)} not built"
    step.detail["failures"] = [f"{node.unique_id}: {node.message}" for node in (*errors, *failed_tests)]


def _names(nodes: list[NodeResult]) -> str:
    return some_names([node.name for node in nodes])


def some_names(names: Sequence[str]) -> str:
    """The first three."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
