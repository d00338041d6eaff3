"""Google's analyzer accepts every query of the project, in each of its branches."""

import pytest

from engines.project import Analysis, Project, contract_breaches


@pytest.mark.parametrize("kind", ["model", "test", "analysis", "macro"])
def test_googles_analyzer_accepts_every(kind: str, project: Project, analysis: Analysis) -> None:
    assert kind in {"analysis", "macro"} or any(query.kind == kind for query in project.queries)
    refusals = analysis.told(kind)
    assert not refusals, f"BigQuery would refuse:\n\n{refusals}"


def test_seeds_and_sources_declare_the_type_of_every_column(analysis: Analysis) -> None:
    assert not analysis.untyped


def test_declared_types_are_those_that_google_infers(project: Project, analysis: Analysis) -> None:
    breaches = contract_breaches(project, analysis)
    assert not breaches, "BigQuery would refuse these contracts:\n" + "\n".join(breaches)
