"""The content of the project's own definitions, compiled by dbt for the target. Asks no warehouse and no Metabase."""

from dataclasses import replace

from incident_ledger.dashboards.decision_log import read_decisions
from incident_ledger.dashboards.definition import FOLDER as DASHBOARDS
from incident_ledger.dashboards.definition import load_dashboards
from incident_ledger.dashboards.dictionary import NAME as DICTIONARY
from incident_ledger.dashboards.dictionary import card_definitions, warnings
from incident_ledger.dbt_runner import Dbt
from incident_ledger.metabase.content import Content, content_of
from incident_ledger.metabase.questions import FOLDER, load_questions
from incident_ledger.settings import Settings


def load_content(settings: Settings, dbt: Dbt) -> Content:
    """What Metabase is to have. Raises `UserError` for a definition that is wrong, `OutsideError` when dbt fails."""
    dashboards = load_dashboards(settings.project_dir)
    questions = load_questions(settings.project_dir, dashboards)
    compiled = dbt.analyses(DASHBOARDS.as_posix()) | dbt.analyses(FOLDER.as_posix())
    address = settings.dashboard_urls.get(DICTIONARY, "")
    explained = card_definitions(dashboards, dbt.manifest(), read_decisions(settings.project_dir), address)
    content = content_of(dashboards, questions, compiled, f"{settings.project}.{settings.dataset}", explained)
    return replace(content, warnings=tuple(warnings(dashboards, dbt.manifest())))
