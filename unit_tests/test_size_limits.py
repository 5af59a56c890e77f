"""No module of the connector is longer than 200 lines, no class than 150 and no function than 40."""

import ast
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).parent.parent / "source_invoices").rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_keeps_to_the_limits(module: Path) -> None:
    text = module.read_text("utf-8")
    lengths = {module.name: (len(text.splitlines()), 200)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            most = 150 if isinstance(node, ast.ClassDef) else 40
            lengths[f"{node.name} in line {node.lineno}"] = ((node.end_lineno or 0) - node.lineno + 1, most)
    assert {name: length for name, (length, most) in lengths.items() if length > most} == {}


def test_the_configuration_and_the_components_do_not_import_each_other() -> None:
    for module in MODULES:
        imported = {
            node.module or ""
            for node in ast.walk(ast.parse(module.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        if module.name == "config.py":
            assert not [name for name in imported if name.startswith("source_invoices.components")]
        if "components" in module.parts:
            assert "source_invoices.config" not in imported, module
