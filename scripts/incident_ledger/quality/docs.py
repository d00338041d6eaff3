"""Great Expectations' Data Docs of the results: its own pages, without a second check or a store in the project.

The pages load styles from the network, so they are an extra for those who are online.
"""

import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.quality.suites import Suite
from incident_ledger.settings import Settings

_SITE = "incident_ledger"


def build_docs(settings: Settings, suites: Sequence[Suite], batches: Sequence[BatchResult], now: datetime) -> Path:
    """Write the pages under `target/data_docs`; their index."""
    import great_expectations as gx

    folder = settings.project_dir / "target" / "data_docs"
    by_file = {suite.file: suite for suite in suites}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        for name in list(context.list_data_docs_sites()):
            context.delete_data_docs_site(name)
        context.add_data_docs_site(_SITE, _site(folder))
        for suite in by_file.values():
            context.suites.add_or_update(_suite(suite))
        for batch in batches:
            if batch.rules:
                _store(context, by_file[batch.suite], batch, now)
        context.build_data_docs(site_names=[_SITE])
    return folder / "index.html"


def _site(folder: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
    }


def _suite(suite: Suite) -> Any:
    from great_expectations.core import ExpectationSuite

    rules = [rule.expectation for rule in suite.rules if rule.error is None]
    return ExpectationSuite(name=suite.name, expectations=rules, meta=dict(suite.meta))


def _store(context: Any, suite: Suite, batch: BatchResult, now: datetime) -> None:
    """One batch as the library's validation result."""
    from great_expectations.core import ExpectationSuiteValidationResult, RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    name = f"{batch.table} {batch.day or 'whole'}"
    run = RunIdentifier(run_name=f"{now:%Y%m%dT%H%M%SZ}", run_time=now)
    rules = {rule.rule_id: rule for rule in suite.rules}
    results = [_result(rules[found.rule_id], found) for found in batch.rules if rules[found.rule_id].type]
    ran, failed = batch.rules_ran, batch.rules_failed
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(suite.name), run_id=run, batch_identifier=name
    )
    value = ExpectationSuiteValidationResult(
        success=not failed and not batch.rules_errored,
        results=results,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": ran,
            "successful_expectations": ran - failed,
            "unsuccessful_expectations": failed,
            "success_percent": 100 * (ran - failed) / ran if ran else None,
        },
        meta={"run_id": run, "active_batch_definition": {"batch": name}, "validation_time": f"{now:%Y%m%dT%H%M%S.%fZ}"},
    )
    context.validation_results_store.set(key, value)


def _result(rule: Any, found: RuleResult) -> Any:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    result: dict[str, Any] = {}
    if found.examined is not None and found.failed is not None:
        rate = 100 * found.failed / found.examined if found.examined else 0.0
        result = {"element_count": found.examined, "unexpected_count": found.failed, "unexpected_percent": rate}
        result |= {"partial_unexpected_list": [], "missing_count": 0, "missing_percent": 0.0}
    elif found.observed is not None:
        result = {"observed_value": found.observed}
    return ExpectationValidationResult(
        success=found.success is True,
        expectation_config=ExpectationConfiguration(
            type=rule.type, kwargs=dict(rule.kwargs), meta={"rule_id": rule.rule_id}, severity=rule.severity
        ),
        result=result,
        exception_info={
            "raised_exception": found.error is not None,
            "exception_message": found.error,
            "exception_traceback": None,
        },
    )
