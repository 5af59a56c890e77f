"""How the messages of a sync are written."""

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
