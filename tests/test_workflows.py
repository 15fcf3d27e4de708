"""Workflows, issue forms and hooks: what they name exists."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="reads workflows")
ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_steps_and_follows_jobs_that_exist(path: Path) -> None:
    jobs = read(path)["jobs"]
    for job in jobs.values():
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        needs = job.get("needs", [])
        assert {needs} if isinstance(needs, str) else set(needs) <= set(jobs)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_name_of_a_tag_or_branch_becomes_text_of_a_script(path: Path) -> None:
    for job in read(path)["jobs"].values():
        assert not [step for step in job["steps"] if "${{ github." in step.get("run", "")]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_environment_of_tox_exists(path: Path) -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    for name in re.findall(r"tox run -e ([a-z]+)\b", path.read_text("utf-8")):
        assert f"testenv:{name}" in tox


def test_only_the_job_that_publishes_may_ask_for_an_identity() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    allowed = [name for name, job in jobs.items() if job.get("permissions", {}).get("id-token") == "write"]
    assert allowed == ["publish"]
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_have_what_github_needs(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    fields = [item for item in form["body"] if item["type"] != "markdown"]
    assert len({item["id"] for item in fields}) == len(fields) > 0
    assert all(item["attributes"]["label"] for item in fields)


def test_hooks_have_what_pre_commit_needs() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    for hook in repository["hooks"]:
        assert {"id", "name", "entry", "language"} <= set(hook)
