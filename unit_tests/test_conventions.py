"""The code of the tests and tools is checked, importable by full names, and independent of private names."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit_tests.project_files import PYPROJECT, ROOT

TESTS = ("unit_tests", "integration_tests", "system_tests")
CHECKED = (*TESTS, "tools")
PACKAGES = (*CHECKED, "source_invoices", "sandbox", "demo", "examples")
FILES = sorted(str(path.relative_to(ROOT)) for folder in CHECKED for path in (ROOT / folder).rglob("*.py"))


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def imported_modules(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each name that a file imports from this project, and the folder that it comes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.name, str(node.module).partition(".")[0]) for alias in node.names)
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name.partition(".")[0]) for alias in node.names)


@pytest.mark.parametrize("name", FILES)
def test_no_file_uses_private_names_of_another_folder(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    foreign = {used for used, folder in imported_modules(tree) if folder in PACKAGES and folder != Path(name).parts[0]}
    attributes = [
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in foreign
    ]
    assert not [used for used in foreign if private(used)]
    assert not [used for used in attributes if private(used.partition(".")[2])]


@pytest.mark.parametrize("name", FILES)
def test_helpers_are_imported_by_their_full_names_and_not_from_fixtures(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    modules = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not [module for module in modules if module.endswith("conftest")]
    assert (ROOT / name).with_name("__init__.py").is_file()


@pytest.mark.parametrize("name", [name for name in FILES if Path(name).name.startswith("test_")])
def test_the_names_of_tests_are_short(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [function for function in functions if function.startswith("test_") and len(function) >= 80]


def test_the_type_checker_is_strict_over_all_code() -> None:
    settings = PYPROJECT["tool"]
    assert settings["mypy"]["strict"] is True
    assert {*CHECKED, "source_invoices", "sandbox", "demo"} <= set(settings["mypy"]["files"])
    assert "pythonpath" not in settings["pytest"]["ini_options"]
