"""The main job: build what the checks read, check, plan, notify, and build what people read."""

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from incident_ledger import policy
from incident_ledger.dbt_runner import Dbt
from incident_ledger.encoding import timestamp
from incident_ledger.errors import LeaseHeldError
from incident_ledger.job_labels import labelled
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.state import IncidentState, read_state, state_reading
from incident_ledger.ledger.writer import append
from incident_ledger.notify.queries import channel_findings
from incident_ledger.notify.service import notify
from incident_ledger.policy import Policy
from incident_ledger.quality.preload import preload
from incident_ledger.runner.build import Builds
from incident_ledger.runner.found_signals import record_found
from incident_ledger.runner.lease import BUILD, PENDING_SINCE, RESPOND, Lease, with_lease
from incident_ledger.runner.lineage import readers
from incident_ledger.runner.look import Look, look_reading
from incident_ledger.runner.next_due import next_due
from incident_ledger.runner.own_failures import OwnFailures
from incident_ledger.runner.page_step import write_pages
from incident_ledger.runner.policy_load import load_beside_setup
from incident_ledger.runner.rejected_rows import note_refused
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.settle_step import settle_step, unsettle_for
from incident_ledger.runner.step_summaries import some_names, summarise_channels, summarise_nodes
from incident_ledger.runner.steps import HEARTBEAT, Outcome, Step, Steps, counted, record
from incident_ledger.runner.uploaded_results import take_in_uploaded
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read

if TYPE_CHECKING:
    from incident_ledger.quality.checker import Noted
    from incident_ledger.quality.result_types import BatchResult
    from incident_ledger.runner.due_checks import DueChecks

P = ParamSpec("P")


def _labelled(method: Callable[Concatenate["Job", P], RunReport]) -> Callable[Concatenate["Job", P], RunReport]:
    """What the method sends carries its job's command and run."""

    @wraps(method)
    def with_labels(job: "Job", /, *args: P.args, **options: P.kwargs) -> RunReport:
        with labelled(command=job._command, run=job._report.run_id):
            return method(job, *args, **options)

    return with_labels


class Job:
    """One run against one warehouse. A new object for each run.

    With `fail_on` it is an alarm when something of that severity or worse is open afterwards. With `is_full` everything
    is built, also what did not change.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        as_of: datetime,
        *,
        command: str,
        fail_on: str | None = None,
        is_full: bool = False,
        on_begin: Callable[[Step], None] = lambda _: None,
        on_end: Callable[[Step], None] = lambda _: None,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._warehouse = warehouse
        self._as_of = as_of
        self._command = command
        self._fail_on = fail_on
        self._is_full = is_full
        self._on_wait = on_wait
        self._steps = Steps(on_begin, on_end)
        self._dbt = Dbt(warehouse.settings, warehouse.endpoint)
        self._builds = Builds(warehouse, self._dbt, as_of, is_full=is_full)
        # The import of Great Expectations takes seconds; dbt waits for the warehouse meanwhile.
        self._preload = threading.Thread(target=preload, daemon=True)
        self._incidents: Sequence[IncidentState] = ()  # all, as they were before what it planned
        self._opened: Sequence[IncidentState] = ()  # those that are open, as they were last seen
        self._look: Look | None = None  # what there is to do, while that is true
        self._last_record: datetime | None = None
        self._wait: float | None = None
        self._report = RunReport(run_id=f"{command}-{timestamp(as_of)}", as_of=as_of)
        self._own_failures = OwnFailures(warehouse, self._dbt, self._builds, self._report.run_id, as_of)

    @_labelled
    def run(self, *, wait: float | None = None) -> RunReport:
        """The whole way: dbt, Great Expectations, plan, deliver, dbt."""
        self._wait = wait
        rules = self._begin()
        with self._lease(BUILD, rules) as lease:
            try:
                self._whole()
                write_pages(self._steps, self._warehouse, self._dbt, self._as_of)
                self._end(rules)
            finally:
                self._record(lease.holder, lease)
        return self._report

    @_labelled
    def deploy(self, *, wait: float | None = None) -> RunReport:
        """What changed of the policy, the views and the tables: no check, no event, no message."""
        self._wait = wait
        rules = self._begin()
        with self._lease(BUILD, rules) as lease:
            try:
                rules = self._load_policy()
                self._incidents = read(self._warehouse, state_reading(self._warehouse, is_current=True))
                with self._steps.step("build") as step:
                    self._unsettle()
                    self._build(step, "feeds", is_open=False)
                self._report_and_settle(rules)
            finally:
                self._record(lease.holder, lease)
        return self._report

    @_labelled
    def tick(self, *, wait: float | None = None, rules: Policy | None = None) -> RunReport:
        """The end of it alone: plan from the results of the last checks, and deliver.

        It waits for no build. Where nothing is to be written or sent it takes no lease, and writes nothing but a
        heartbeat once an hour. `rules` is the policy where it is at hand.
        """
        self._wait = wait
        rules = self._begin(rules)
        if self._is_idle(rules):
            self._note_pending_since(rules)
            self._end(rules)
            self._report.steps = self._steps.done
            self._heartbeat()
            return self._report
        with self._respond_lease(rules) as lease:
            try:
                self._respond(rules, lease)
                self._end(rules)
            finally:
                self._record(lease.holder, lease)
        return self._report

    def _begin(self, rules: Policy | None = None) -> Policy:
        if rules is None:
            rules = load_beside_setup(self._warehouse)
        else:
            ensure_ledger(self._warehouse)
        rules.is_alarm([], self._fail_on)  # an unknown severity is an error before the work
        return rules

    def _unsettle(self) -> None:
        unsettle_for(self._dbt, self._warehouse, self._as_of, is_all=self._is_full or self._builds.needs_all_incidents)

    def _report_and_settle(self, rules: Policy) -> None:
        """What people read, and then what is over is settled: the marts have it by then."""
        with self._steps.step("report") as step:
            self._build(step, "reports", is_open=self._has_clocks(rules), beside=self._see_open)
        lease = partial(self._lease, RESPOND, rules, wait=0)
        if self._builds.has_kept_incidents:
            settle_step(self._steps, self._warehouse, self._dbt, rules=rules, as_of=self._as_of, lease=lease)

    def _see_open(self, _: Collection[str]) -> None:
        """Once more: building reports takes minutes."""
        self._opened = read_state(self._warehouse, is_open=True)

    def _end(self, rules: Policy) -> None:
        self._report.open_incidents = opened = [each for each in self._opened if each.detection_time <= self._as_of]
        self._report.is_alarm = rules.is_alarm([each.severity_level for each in opened], self._fail_on)

    def _heartbeat(self) -> None:
        """Leave a record unless there is one of the last hour; the next one is something to do as well."""
        if self._last_record is None:
            self._record("idle")
        next_record = (self._last_record or self._as_of) + HEARTBEAT
        self._report.next_due = min(self._report.next_due or next_record, next_record)

    def _record(self, holder: str, lease: Lease | None = None) -> None:
        """Record the steps; a lease that the job ends with is given back by it."""
        self._report.steps = self._steps.done
        record(
            self._warehouse,
            run_id=self._report.run_id,
            holder=holder,
            command=self._command,
            as_of=self._as_of,
            steps=self._steps,
        )
        if lease is not None:
            lease.leave_to_record()

    def _respond_lease(self, rules: Policy) -> AbstractContextManager[Lease]:
        return self._lease(RESPOND, rules, token=self._look.lease.token if self._look else None)

    def _lease(
        self, name: str, rules: Policy, *, token: int | None = None, wait: float | None = None
    ) -> AbstractContextManager[Lease]:
        return with_lease(
            self._warehouse,
            name,
            rules,
            self._as_of,
            who=self._report.run_id,
            wait=self._wait if wait is None else wait,
            on_wait=self._on_wait,
            token=token,
        )

    def _whole(self) -> None:
        from incident_ledger.runner.due_checks import DueChecks  # with what reads suites: no tick needs it

        rules = self._load_policy()
        with self._steps.step("build") as step:
            # Both before the build: what comes in later is checked by the next run.
            due = DueChecks(self._warehouse, self._builds, rules, self._as_of)
            noted = self._note_changes(due)
            self._unsettle()
            uploaded = take_in_uploaded(self._warehouse, self._builds, rules, self._as_of)
            refused = note_refused(step, self._warehouse, self._builds, rules, self._as_of)
            is_built = self._build(step, "feeds", is_open=False, beside=partial(record_found, self._warehouse))
            step.summary += (f"; {counted(uploaded, 'result')} of dbt projects" if uploaded else "") + refused
        self._check(rules, due, noted, is_built=is_built)
        if self._is_idle(rules):
            self._note_pending_since(rules)
        else:
            with self._respond_lease(rules) as lease:
                self._respond(rules, lease)
        self._report_and_settle(rules)

    def _has_clocks(self, rules: Policy) -> bool:
        """Whether an incident is open, or had its beginning so lately that a deadline of it may not have passed."""
        window = timedelta(hours=rules.limit("deadline_window_hours", self._as_of))
        return any(each.is_open or self._as_of - each.detection_time <= window for each in self._incidents)

    def _respond(self, rules: Policy, lease: Lease) -> None:
        if not lease.is_unbroken:
            self._look = None  # another may have planned and sent meanwhile
        self._plan(rules, lease)
        self._notify(rules, lease)

    def _look_at_all(self, rules: Policy) -> Look:
        self._look = look = read(self._warehouse, look_reading(self._warehouse, rules, self._as_of, self._command))
        self._report.messages_since = look.outlook.since
        self._incidents, self._opened = look.state, [each for each in look.state if each.is_open]
        return look

    def _is_idle(self, rules: Policy) -> bool:
        """Whether there is nothing to write and nothing to send; if so, its steps are those of a tick that looked."""
        look = self._look_at_all(rules)
        state, signals, outlook, self._last_record = look.state, look.signals, look.outlook, look.last_record
        if not self._has_nothing_to_do(look, rules):
            return False
        self._report.is_idle, self._report.undelivered = True, outlook.undelivered
        self._report.next_due = next_due(
            state, signals, rules, self._as_of, messages_due=outlook.next_due, silences=look.silences
        )
        with self._steps.step("plan") as step:
            step.summary = f"{counted(len(signals), 'signal')}, nothing to write"
        with self._steps.step("notify") as step:
            summarise_channels(step, look.findings, sent=0)
        return True

    def _has_nothing_to_do(self, look: Look, rules: Policy) -> bool:
        return not look.plan(rules, self._as_of) and look.outlook.is_idle(look.state)

    def _note_pending_since(self, rules: Policy) -> None:
        """After a look that had to go far back, and found nothing: let the next one begin later, if nobody is at it."""
        look = self._look
        if look is None or not look.is_wide:
            return
        known, pending_since = look.lease.pending_since, look.outlook.pending_since(datetime.now(UTC))
        if known is not None and pending_since < known + HEARTBEAT:
            return
        with suppress(LeaseHeldError), self._lease(RESPOND, rules, token=look.lease.token, wait=0) as lease:
            look = look if lease.is_unbroken else self._look_at_all(rules)
            if self._has_nothing_to_do(look, rules):
                lease.pending_since = look.outlook.pending_since(datetime.now(UTC))

    def _load_policy(self) -> Policy:
        """The seeds and their tests, when the files say something else than the warehouse does."""
        with self._steps.step("policy") as step:
            folder = self._warehouse.settings.project_dir / "seeds" / "policy"
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(policy.load_current, self._warehouse, folder)
                self._builds.read_ahead()
            if (rules := reading.result()) is not None:
                step.summary = "as the warehouse has it"
                return rules
            self._builds.look_again()
            summarise_nodes(step, self._dbt.build(["path:seeds"], as_of=self._as_of))
        return policy.load(self._warehouse)

    def _note_changes(self, due: "DueChecks") -> "Noted | None":
        """What is recorded of changes before the build: what comes in later is checked by the next run."""
        if not due.metas:
            return None
        from incident_ledger.quality.checker import note_changes

        noted = note_changes(self._warehouse, self._as_of, due.metas)
        self._preload.start()
        return noted

    def _build(
        self, step: Step, selector: str, *, is_open: bool, beside: Callable[[Collection[str]], object] = lambda _: None
    ) -> bool:
        """What is new of a selector, by dbt; whether all of it is there."""
        results, selection, again = self._builds.build(selector, is_open=is_open, beside=beside)
        summarise_nodes(step, results)
        self._own_failures.note(results)
        if selection.unchanged:
            step.summary += f", {selection.unchanged} unchanged"
            step.summary += f"; new in {some_names(selection.changed)}" if selection.changed else ""
        step.detail |= {"unchanged": selection.unchanged, "changed": selection.changed}
        if again:
            step.detail["tried_again"] = again
        return not any(node.is_error or node.is_skipped for node in results)

    def _check(self, rules: Policy, due: "DueChecks", noted: "Noted | None", *, is_built: bool) -> None:
        with self._steps.step("check") as step:
            batches = self._check_due(rules, due, noted, is_built=is_built)
            bad = [f"{batch.component} {batch.severity_level}" for batch in batches if batch.severity_level]
            failed = [
                f"{batch.check_component} {batch.check_severity_level}"
                for batch in batches
                if batch.check_severity_level
            ]
            step.summary = f"{len(batches)} batches checked, {len(bad)} in breach, {len(failed)} could not be checked"
            step.summary += f"; {counted(due.unchanged, 'suite')} unchanged" if due.unchanged else ""
            step.outcome = Outcome.WARNING if bad or failed else Outcome.OK
            step.detail |= {"breaches": bad, "failed_checks": failed, "unchanged": due.unchanged}

    def _check_due(
        self, rules: Policy, due: "DueChecks", noted: "Noted | None", *, is_built: bool
    ) -> "list[BatchResult]":
        if noted is None:
            return []
        # Two threads that import it at once would each find modules of which only a part is there.
        self._preload.join()
        from incident_ledger.quality.checker import check_all
        from incident_ledger.quality.suites import load_folders

        batches = check_all(
            self._warehouse,
            rules,
            run_id=self._report.run_id,
            now=self._as_of,
            suites=load_folders(self._warehouse.settings, due.metas),
            noted=noted,
            is_built=is_built,
            readers=lambda: readers(self._dbt.manifest()),
        )
        if is_built:
            due.note(batches)
        return batches

    def _plan(self, rules: Policy, lease: Lease) -> None:
        with self._steps.step("plan") as step:
            look = self._look or self._look_at_all(rules)
            events = look.plan(rules, self._as_of)
            written = 0
            if events:
                lease.confirm()
                written = append(self._warehouse, events, self._as_of)
                self._look = look.with_written(events) if written == len(events) else None
            self._report.events += events
            step.summary = f"{counted(len(look.signals), 'signal')}, {counted(written, 'event')} written"

    def _notify(self, rules: Policy, lease: Lease) -> None:
        with self._steps.step("notify") as step:
            look = self._look or self._look_at_all(rules)
            self._opened = [each for each in look.state if each.is_open]
            found = (look.outlook, look.state)
            deliveries = notify(self._warehouse, rules, self._as_of, found=found, confirm=lease.confirm)
            self._report.delivered += deliveries
            findings = look.findings
            if not all(each.is_clean for each in deliveries):
                findings = channel_findings(
                    self._warehouse, self._warehouse.settings, rules, self._as_of, since=look.outlook.since
                )
            lease.pending_since = look.outlook.pending_since(datetime.now(UTC))
            step.detail[PENDING_SINCE] = timestamp(lease.pending_since)
            summarise_channels(step, findings, sent=len(deliveries))
