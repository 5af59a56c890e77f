"""Each stream ends with one line that an auditor can file."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, Output, catalog_of, command, start
from integration_tests.support.lists import NEXUDUS, NOW, SETTLED, lines, one_list, settle, settled, sync, whole_sync
from sandbox import Fault, Sandbox

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

EVERY_STREAM = pytest.mark.parametrize("stream", STREAMS)


def receipts(output: Output, stream: str) -> list[str]:
    """The lines that say how many invoices the provider counts and how many were read."""
    return [line for line in lines(output, "INFO") if line.startswith(stream) and "counts" in line and "read" in line]


def numbers(text: str) -> list[int]:
    """The whole numbers in a text, in their order."""
    words = "".join(sign if sign.isdigit() else " " for sign in text.replace(",", "")).split()
    return [int(word) for word in words]


@EVERY_STREAM
def test_a_complete_stream_ends_with_one_receipt(stream: str) -> None:
    with one_list(stream, 250, 100) as sandbox:
        output = whole_sync(sandbox, stream)
        (receipt,) = receipts(output, stream)
        assert numbers(receipt).count(250) >= 3, "counted, read and emitted"
        # Nexudus is read in windows, and counted by two requests more.
        pages = 3 if stream != NEXUDUS else sandbox.count(stream) - 2
        assert pages in numbers(receipt)
        assert "whole list" in receipt


@pytest.mark.parametrize("stream", SETTLED)
def test_the_receipt_of_a_quiet_sync_says_since_when_it_has_read(stream: str) -> None:
    with one_list(stream, 250, 50) as sandbox:
        settle(sandbox, stream)
        output = whole_sync(sandbox, stream)
        new = sandbox.tables[stream].add(issued=NOW, **settled(stream))
        quiet = whole_sync(sandbox, stream, output)
        (receipt,) = receipts(quiet, stream)
        total = len(sandbox.tables[stream])
        assert new
        assert total in numbers(receipt)
        assert len(quiet.records(stream)) in numbers(receipt)
        assert "whole list" not in receipt
        since = NOW - timedelta(days=120)
        assert any((since + timedelta(days=day)).strftime("%Y-%m-%d") in receipt for day in range(120))


@EVERY_STREAM
def test_the_receipt_of_an_empty_list_says_so(stream: str) -> None:
    with one_list(stream, 0, 100) as sandbox:
        (receipt,) = receipts(whole_sync(sandbox, stream), stream)
        assert numbers(receipt).count(0) >= 3


def _fails_on_page_3(sandbox: Sandbox, stream: str) -> Output:
    fault = Fault("status", stream, status=403, times=None, when=lambda asked: asked.page == 3)
    sandbox.faults.append(fault)
    return sync(sandbox, stream)


@EVERY_STREAM
def test_an_incomplete_stream_ends_with_the_same_figures(stream: str) -> None:
    with one_list(stream, 500, 100, span=timedelta(hours=20)) as sandbox:
        output = _fails_on_page_3(sandbox, stream)
        assert output.status(stream) == "INCOMPLETE"
        said = str(output.error_of(stream)["message"]) + " ".join(receipts(output, stream))
        assert len(output.records(stream)) in numbers(said)
        if stream != "payhubix_invoices":
            assert 500 in numbers(said)


def test_each_stream_of_a_sync_has_its_receipt(tmp_path: Path) -> None:
    with Sandbox(rows=9) as sandbox:
        sandbox.nexudus.limits = None
        output = start(command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of(STREAMS)))
        found: dict[str, Any] = {stream: receipts(output, stream) for stream in STREAMS}
        assert {stream: len(receipt) for stream, receipt in found.items()} == dict.fromkeys(STREAMS, 1)
