"""The workflows on GitHub, Dependabot and the pre-commit hook run the Makefile's targets and what is pinned."""

import re
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from unit_tests.project_files import DATA, PROJECT, ROOT

TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((ROOT / ".github/workflows").glob("*"))}
JOBS = [
    pytest.param(job, id=f"{name}-{key}")
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
]
RELEASE = WORKFLOWS["release.yml"]["jobs"]
# What a job may do besides reading the repository.
PERMISSIONS = {
    ("release.yml", "package-index"): {"id-token": "write"},
    ("release.yml", "image"): {"packages": "write"},
    ("release.yml", "page"): {"contents": "write"},
}


def steps(job: Any) -> list[dict[str, Any]]:
    """The steps of a job; none where it is another workflow."""
    return list(job.get("steps", []))


def commands(job: Any) -> set[str]:
    return {step["run"] for step in steps(job) if "run" in step}


def jobs_before(name: str) -> set[str]:
    """The jobs of a release that must have passed before one begins."""
    needed = RELEASE[name].get("needs", [])
    return set(needed).union(*map(jobs_before, needed))


def test_every_change_is_tested() -> None:
    jobs = WORKFLOWS["tests.yml"]["jobs"]
    assert "make test" in commands(jobs["tests"])
    checks = {f"make {target}" for target in TARGETS if re.fullmatch("lint|test|coverage|.*-test", target)}
    assert checks <= set().union(*map(commands, jobs.values()))


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_only_targets_of_the_makefile(job: Any) -> None:
    assert commands(job) <= {f"make {target}" for target in TARGETS}


@pytest.mark.parametrize("job", JOBS)
def test_every_action_is_pinned_to_a_commit(job: Any) -> None:
    for step in steps(job):
        assert "uses" not in step or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step


def test_every_use_of_an_action_has_the_same_version() -> None:
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*"))
    uses = re.findall(r"uses: (?!\./)(.+)", text)
    assert all(re.fullmatch(r"\S+ # v\d+\.\d+\.\d+", use) for use in uses)
    assert len(set(uses)) == len({use.partition("@")[0] for use in uses})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_more_rights_than_it_needs(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    for key, job in workflow["jobs"].items():
        more = PERMISSIONS.get((name, key))
        assert job.get("permissions") == (more and {"contents": "read", **more}), key


def test_the_tested_versions_of_python_are_those_of_the_project() -> None:
    required = SpecifierSet(PROJECT["requires-python"])
    supported = [version for minor in range(50) if (version := f"3.{minor}") in required]
    prefix = "Programming Language :: Python :: "
    classified = [line.removeprefix(prefix) for line in PROJECT["classifiers"] if line.startswith(f"{prefix}3.")]
    job = WORKFLOWS["tests.yml"]["jobs"]["tests"]
    assert supported == classified == job["strategy"]["matrix"]["python"]
    (installed,) = [
        step["with"]["python-version"].split()
        for step in steps(WORKFLOWS["tests.yml"]["jobs"]["wheel"])
        if "python-version" in step.get("with", {})
    ]
    assert sorted(installed) == sorted(supported)
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"


def test_only_a_tag_of_a_version_releases() -> None:
    # YAML 1.1 reads the key `on` as a boolean.
    assert WORKFLOWS["release.yml"][True] == {"push": {"tags": ["v*"]}}
    assert {"make release-check", "make audit"} < commands(RELEASE["files"])


def test_nothing_is_published_before_all_tests_have_passed() -> None:
    assert RELEASE["tests"]["uses"] == "./.github/workflows/tests.yml"
    assert "workflow_call" in WORKFLOWS["tests.yml"][True]
    for name in ("package-index", "image", "page"):
        assert {"tests", "files"} <= jobs_before(name)


def test_the_package_index_gets_the_files_that_were_built_and_no_password() -> None:
    (downloaded,) = [step["with"] for step in steps(RELEASE["package-index"]) if "download" in step.get("uses", "")]
    (uploaded,) = [step["with"] for step in steps(RELEASE["files"]) if "upload" in step.get("uses", "")]
    assert downloaded["name"] == uploaded["name"]
    assert commands(RELEASE["package-index"]) == {"make publish"}
    assert "secrets" not in str(RELEASE["package-index"])


def test_the_wheel_the_manifest_and_the_image_are_released() -> None:
    assert {"make dist", "make manifest-zip"} < commands(RELEASE["files"])
    assert commands(RELEASE["image"]) == {"make image", "make image-push"}
    assert commands(RELEASE["page"]) == {"make release-page"}


def test_dependabot_finds_the_locks_the_actions_and_the_base_image() -> None:
    settings = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    updates = {update["package-ecosystem"]: update["directory"] for update in settings["updates"]}
    assert updates == {"pip": "/locks", "github-actions": "/", "docker": "/"}
    # It reads requirements in files named so, up to this size, and the image that a FROM names.
    for lock in (ROOT / "locks").iterdir():
        assert lock.suffix == ".txt"
        assert lock.stat().st_size < 500_000
    assert f"\nFROM {DATA['connectorBuildOptions']['baseImage']} AS base\n" in (ROOT / "Dockerfile").read_text()


def test_a_commit_is_checked_by_targets_of_the_makefile() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert {hook["entry"] for hook in repository["hooks"]} <= {f"make {target}" for target in TARGETS}
