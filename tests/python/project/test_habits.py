"""What contributors run by hand, on a commit and in CI is the same."""

import re

import yaml

from conftest import PROJECT_DIR


def test_the_hooks_of_a_commit_are_the_commands_of_make_lint() -> None:
    # Two targets, side by side.
    targets = re.findall(r"^lint-\w+:.*\n((?:\t.*\n)+)", (PROJECT_DIR / "Makefile").read_text(), re.MULTILINE)
    lines = "".join(targets).splitlines()
    commands = [line.strip().removeprefix("@").replace("$(BIN)", ".venv/bin") for line in lines]
    (repo,) = yaml.safe_load((PROJECT_DIR / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in repo["hooks"]] == commands


def test_contributing_names_commands_that_there_are() -> None:
    text = (PROJECT_DIR / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z]+):.*## ", (PROJECT_DIR / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)) <= targets
    for path in re.findall(r"`((?:tests|models|analyses|scripts)/[\w./]+)`", text):
        assert (PROJECT_DIR / path).exists(), path
