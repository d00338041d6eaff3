"""Rules of the Python package, read from its source; and README names the commands that there are."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from conftest import PROJECT_DIR
from incident_ledger.cli._app import app
from incident_ledger.errors import ExitCode
from incident_ledger.settings import Settings

PACKAGE = PROJECT_DIR / "scripts" / "incident_ledger"
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
MAX_LINES = 400
# A server's process of its own, which reports to its parent and its log.
PROCESSES = {Path("warehouse/local/server.py"), Path("__main__.py")}
# From the lowest to the highest: a module imports from its own package and from those before it.
LAYERS = (
    *("collector", "errors", "interrupts", "job_labels", "variables", "settings", "private", "deadline", "encoding"),
    "properties",
    *(
        "warehouse",
        "dbt_runner",
        "ledger",
        "policy",
        "importers",
        "quality",
        "detection",
        "response",
        "dbt_results",
        "probes",
        "notify",
        "postmortem",
        "asking",
        "dashboards",
        "metabase",
        "runner",
        "doctor",
        "simulation",
    ),
    *("demo", "cli", "__main__"),
)
QUERY = re.compile(
    r"\s*(select|with\s+\w+\s+as|merge\s+into|insert\s+into|update\s+\S+\s+set|delete\s+from)\s", re.IGNORECASE
)
# Of Great Expectations, what its reference documents. Any other part of it may change with a version.
GX_DOCUMENTED = re.compile(
    r"great_expectations(\.(core|exceptions|data_context(\..+)?|expectations\.expectation_configuration))?"
)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def calls(path: Path) -> set[str]:
    found = ast.walk(ast.parse((PACKAGE / path).read_text()))
    return {ast.unparse(node.func) for node in found if isinstance(node, ast.Call)}


def module_of(path: Path) -> str:
    return ".".join(path.parts[:-1] if path.name == "__init__.py" else path.with_suffix("").parts)


MODULES = {module_of(path): path for path in FILES if module_of(path)}


@cache
def dependencies() -> dict[str, set[str]]:
    """The modules of the package that each of them imports, also within functions and for types alone."""
    return {
        module: {name for name in map(_own, _names(path)) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own(name: str) -> str:
    return name.removeprefix("incident_ledger.") if name.startswith("incident_ledger.") else ""


def reached(module: str) -> set[str]:
    """Everything that a module imports, and what that imports."""
    found: set[str] = set()
    ahead = [module]
    while ahead:
        new = dependencies()[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def test_every_module_has_a_layer() -> None:
    assert {module.split(".")[0] for module in MODULES} <= set(LAYERS)


def test_no_import_runs_upward() -> None:
    upward = {
        (module, other)
        for module, others in dependencies().items()
        for other in others
        if LAYERS.index(other.split(".")[0]) > LAYERS.index(module.split(".")[0])
    }
    assert upward == set()


def test_no_imports_run_in_a_circle() -> None:
    assert {module for module in MODULES if module in reached(module)} == set()


def test_an_init_file_only_names_what_its_package_offers() -> None:
    def is_logic(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return any(not ast.unparse(target).startswith("__") for target in node.targets)
        return not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)

    files = {module: path for module, path in MODULES.items() if path.name == "__init__.py"}
    trees = {module: ast.parse((PACKAGE / path).read_text()) for module, path in files.items()}
    assert {module for module, tree in trees.items() if any(map(is_logic, tree.body))} == set()


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] != "cli"], ids=str)
def test_only_cli_knows_the_terminal(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & {"typer", "rich", "click"}
    assert not any(name.startswith("incident_ledger.cli") for name in imported(path) if path not in PROCESSES)
    if path not in PROCESSES:
        assert not calls(path) & {"print", "sys.exit", "exit", "quit", "input"}


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "cli"], ids=str)
def test_only_the_console_prints(path: Path) -> None:
    if path == Path("cli/_console.py"):
        return
    assert not calls(path) & {"print", "Console"}
    assert not [
        call for call in calls(path) if call.startswith(("typer.echo", "typer.secho", "typer.confirm", "os.write"))
    ]
    assert not set(imported(path)) & {"rich", "rich.console", "rich.text", "rich.prompt", "rich.json"}
    assert "logging" not in imported(path) or path == Path("cli/_logs.py")  # whose lines the console prints


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] != "warehouse"], ids=str)
def test_only_warehouse_knows_bigquery(path: Path) -> None:
    assert not [name for name in imported(path) if name.startswith(("google.", "bqemulator", "duckdb"))]


def undocumented_gx(tree: ast.AST) -> set[str]:
    """Modules of Great Expectations without documentation, and private attributes of other objects where it is used."""
    nodes = list(ast.walk(tree))
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    of_gx = {name for name in modules if name.split(".")[0] == "great_expectations"}
    private = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr) and ast.unparse(node.value) != "self"
    }
    return {name for name in of_gx if not GX_DOCUMENTED.fullmatch(name)} | (private if of_gx else set())


def test_undocumented_parts_of_great_expectations_are_used_in_one_module() -> None:
    found = {str(path) for path in FILES if undocumented_gx(ast.parse((PACKAGE / path).read_text()))}
    assert found == {"quality/compiler/gx.py"}


@pytest.mark.parametrize("line", ["graph._resolve()", "from great_expectations.expectations import registry"])
def test_an_undocumented_part_of_great_expectations_is_found(line: str) -> None:
    assert undocumented_gx(ast.parse(f"from great_expectations import core\n{line}"))


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[:2] == ("quality", "compiler")], ids=str)
def test_compiling_a_rule_reads_no_clock_no_file_and_no_warehouse(path: Path) -> None:
    assert not calls(path) & {"datetime.now", "time.time", "datetime.utcnow", "open"}
    warehouse = [name for name in imported(path) if name.startswith(("incident_ledger.warehouse", "pathlib"))]
    assert set(warehouse) - {"incident_ledger.warehouse.client"} == set()  # values: `Column`, `Param`


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "response"], ids=str)
def test_deciding_reads_no_clock_no_file_and_no_warehouse(path: Path) -> None:
    assert not calls(path) & {"datetime.now", "time.time", "datetime.utcnow", "open"}
    assert not [name for name in imported(path) if name.startswith(("incident_ledger.warehouse", "pathlib"))]


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "cli"], ids=str)
def test_cli_takes_no_lease_writes_no_event_and_holds_no_query(path: Path) -> None:
    leases_and_writers = {
        "incident_ledger.runner.lease",
        "incident_ledger.ledger.writer",
        "incident_ledger.warehouse.rows",
    }
    assert not set(imported(path)) & leases_and_writers
    texts = [node.value for node in ast.walk(ast.parse((PACKAGE / path).read_text())) if isinstance(node, ast.Constant)]
    assert not [text for text in texts if isinstance(text, str) and QUERY.match(text)]


@pytest.mark.parametrize(
    "text", ["select 1", "\n  with a as (", "Select * from t", "merge into t", "update t set a = 1"]
)
def test_a_query_is_found(text: str) -> None:
    assert QUERY.match(text)


def test_nobody_but_the_console_writes_to_a_stream() -> None:
    writers = {
        str(path)
        for path in FILES
        if any(call.startswith(("sys.stdout.", "sys.stderr.", "sys.__std")) for call in calls(path))
    }
    assert writers == {"__main__.py", "cli/_console.py"}  # the first says "stopped", and nothing of others


def test_modules_are_small() -> None:
    long = {str(path): lines for path in FILES if (lines := len((PACKAGE / path).read_text().splitlines())) > MAX_LINES}
    assert long == {}


def commands() -> set[str]:
    """Every command and group of `incident-ledger`."""
    return set(get_command(app).commands)  # type: ignore[attr-defined]


def test_readme_names_every_command_and_no_other() -> None:
    readme = (PROJECT_DIR / "README.md").read_text()
    named = set(re.findall(r"incident-ledger ([a-z]+)", readme))
    assert named - commands() == set()
    assert commands() - named - {"demo"} == set()


def test_readme_and_help_have_the_exit_codes_that_there_are() -> None:
    readme = (PROJECT_DIR / "README.md").read_text()
    table = readme.partition("| exit code | what it says |")[2].partition("\n\n")[0]
    rows = [tuple(cell.strip() for cell in row.split("|")[1:3]) for row in table.splitlines()[2:]]
    assert rows == [(str(int(code)), code.meaning) for code in ExitCode]
    shown = " ".join(CliRunner().invoke(app, ["-h"], env={"COLUMNS": "1000"}).output.split())
    assert all(f"{int(code)} {code.meaning}" in shown for code in ExitCode)


def test_readme_names_only_settings_that_there_are() -> None:
    readme = (PROJECT_DIR / "README.md").read_text()
    named = set(re.findall(r"INCIDENT_LEDGER_([A-Z_]+[A-Z])", readme))
    assert {name.lower() for name in named} - set(Settings.model_fields) == set()


def test_readme_lists_every_setting() -> None:
    readme = (PROJECT_DIR / "README.md").read_text()
    table = readme.partition("| setting (`INCIDENT_LEDGER_…`) |")[2].partition("\n\n")[0]
    names = " ".join(row.split("|")[1] for row in table.splitlines()[2:])
    assert sorted(name.lower() for name in re.findall(r"`(\w+)`", names)) == sorted(Settings.model_fields)
