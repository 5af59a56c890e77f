"""As soon as the number of rows of a stream is known, a message has it as an estimate."""

from datetime import datetime, timedelta, timezone

import pytest

from integration_tests.support.connector import STREAMS, Output, read
from integration_tests.support.lists import SETTLED, settled, unsettled
from sandbox import Sandbox


def estimates(output: Output, stream: str) -> list[int]:
    traces = [trace["estimate"] for trace in output.of_type("TRACE") if trace["type"] == "ESTIMATE"]
    assert {trace["type"] for trace in traces} <= {"STREAM"}
    return [trace["row_estimate"] for trace in traces if trace["name"] == stream]


@pytest.mark.parametrize("stream", STREAMS)
def test_the_estimate_is_the_number_of_rows_and_comes_early(sandbox: Sandbox, stream: str) -> None:
    output = read(sandbox.config(), [stream])
    assert estimates(output, stream)[-1] == len(output.records(stream)) == 9
    if not stream.startswith("nexudus"):  # each of its windows adds an estimate
        assert len(estimates(output, stream)) == 1
        at = next(i for i, message in enumerate(output.messages) if "estimate" in message.get("trace", {}))
        assert len([message for message in output.messages[:at] if message["type"] == "RECORD"]) <= 6


@pytest.mark.parametrize("stream", STREAMS)
def test_the_estimate_of_an_incremental_sync_is_its_number_of_rows(stream: str) -> None:
    with Sandbox(rows={stream: 200}) as sandbox:
        sandbox.lists[stream].max_page_size = 20
        sandbox.nexudus.limits = None
        table = sandbox.tables[stream]
        if stream in SETTLED:
            for number, key in enumerate(list(table.keys())):
                table.change(key, **(unsettled if number in (150, 190) else settled)(stream))
        first = read(sandbox.config(), [stream])
        for _ in range(3):
            table.add()
        second = read(sandbox.config(), [stream], state=first.state())
        assert estimates(second, stream)[-1] == len(second.records(stream)) < 60


def test_there_is_no_estimate_where_the_number_is_unknown(sandbox: Sandbox) -> None:
    config = sandbox.config()
    config["payhubix"]["filters"] = {"status": "Paid"}
    assert estimates(read(config, ["payhubix_invoices"]), "payhubix_invoices") == []
    year = (datetime.now(timezone.utc) - timedelta(days=365)).strftime("%Y-%m-%d")
    output = read({**sandbox.config(), "start_date": year}, ["ipxo_payout_invoices"])
    assert estimates(output, "ipxo_payout_invoices") == []
