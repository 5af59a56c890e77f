"""What runs by itself, on GitHub and before a commit: the Makefile's targets, on each Python that is supported."""

import re
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from unit_tests.project_files import PROJECT, ROOT

TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((ROOT / ".github/workflows").glob("*"))}
JOBS = [
    pytest.param(job, id=f"{name}-{key}")
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
]


def commands(job: Any) -> set[str]:
    return {step["run"] for step in job["steps"] if "run" in step}


def test_all_that_lands_is_tested() -> None:
    jobs = WORKFLOWS["tests.yml"]["jobs"]
    assert "make test" in commands(jobs["tests"])
    checks = {f"make {target}" for target in TARGETS if target in ("lint", "test") or target.endswith("-test")}
    assert checks <= set().union(*map(commands, jobs.values()))


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_targets_of_the_makefile_and_nothing_else(job: Any) -> None:
    assert commands(job) <= {f"make {target}" for target in TARGETS}


@pytest.mark.parametrize("job", JOBS)
def test_every_action_is_pinned_to_a_commit(job: Any) -> None:
    for step in job["steps"]:
        assert "uses" not in step or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_the_repository(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    assert not [job for job in workflow["jobs"].values() if "permissions" in job]


def test_the_versions_of_python_are_those_of_the_project() -> None:
    required = SpecifierSet(PROJECT["requires-python"])
    supported = [version for minor in range(50) if (version := f"3.{minor}") in required]
    prefix = "Programming Language :: Python :: "
    classified = [line.removeprefix(prefix) for line in PROJECT["classifiers"] if line.startswith(f"{prefix}3.")]
    job = WORKFLOWS["tests.yml"]["jobs"]["tests"]
    assert supported == classified == job["strategy"]["matrix"]["python"]
    (installed,) = [
        step["with"]["python-version"].split()
        for step in WORKFLOWS["tests.yml"]["jobs"]["wheel"]["steps"]
        if "python-version" in step.get("with", {})
    ]
    assert sorted(installed) == sorted(supported)
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"


def test_a_commit_is_checked_by_targets_of_the_makefile() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert {hook["entry"] for hook in repository["hooks"]} <= {f"make {target}" for target in TARGETS}
