"""How the process starts, and how the messages of a sync are written."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from source_invoices import run

RECORD, STATE = '{"type":"RECORD"}', '{"type":"STATE"}'


def test_a_state_is_out_before_anything_else_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    def messages() -> Iterator[str]:
        yield RECORD
        yield STATE
        assert capsys.readouterr().out == f"{RECORD}\n{STATE}\n"

    run._write(messages())


def test_no_more_than_a_hundred_records_wait(capsys: pytest.CaptureFixture[str]) -> None:
    def messages() -> Iterator[str]:
        yield from [RECORD] * 250
        assert capsys.readouterr().out == f"{RECORD}\n" * 200

    run._write(messages())
    assert capsys.readouterr().out == f"{RECORD}\n" * 50


def test_what_was_read_before_a_failure_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    def messages() -> Iterator[str]:
        yield RECORD
        raise ValueError("the end")

    with pytest.raises(ValueError, match="the end"):
        run._write(messages())
    assert capsys.readouterr().out == f"{RECORD}\n"


def test_the_start_parses_no_source_and_leaves_tracebacks_whole() -> None:
    code = """
import linecache, sys
long_texts = []
def note(event, arguments):
    if event == "compile" and arguments[1] == "<unknown>" and len(arguments[0]) > 10_000:  # ast.parse
        long_texts.append(arguments[0])
sys.addaudithook(note)
from source_invoices.__main__ import main
sys.argv = ["source-invoices", "spec"]
main()
import enum, airbyte_protocol_dataclasses.models.airbyte_protocol as protocol
lines = [linecache.getline(module.__file__, 1) for module in (enum, protocol)]
print(len(long_texts), all(lines), file=sys.stderr)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr.splitlines()[-1] == "0 True"
