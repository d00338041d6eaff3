"""The exit code of a run: what failed comes before an alarm."""

from datetime import UTC, datetime

import pytest

from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.steps import Outcome, Step

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "is_alarm", "code"),
    [
        (Outcome.OK, False, 0),
        (Outcome.WARNING, False, 0),
        (Outcome.OK, True, 1),
        (Outcome.WARNING, True, 1),
        (Outcome.FAILED, False, 3),
        (Outcome.FAILED, True, 3),
    ],
)
def test_a_failed_step_comes_before_an_alarm(outcome: Outcome, is_alarm: bool, code: int) -> None:
    steps = [Step("build", 1, NOW), Step("check", 2, NOW, outcome=outcome)]
    assert RunReport("run", NOW, steps=steps, is_alarm=is_alarm).exit_code == code
