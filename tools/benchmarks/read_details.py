"""Invoice details one by one, with requests and orjson: `python -m tools.benchmarks.read_details CONFIG`."""

import json
import sys
from pathlib import Path

import orjson
import requests

from tools.benchmarks.lists import PAGE_SIZE, at, invoice_list


def main(config_path: str) -> None:
    config = json.loads(Path(config_path).read_text())
    payouts = invoice_list("ipxo_payout_invoices", config)
    url = payouts.url.replace("/market/payouts_invoices", "/invoices")
    session = requests.Session()
    session.headers.update(payouts.headers)
    page, pages = 1, 1
    while page <= pages:
        body = orjson.loads(session.get(url, params={"per_page": PAGE_SIZE, "page": page}, timeout=60).content)
        pages = payouts.page_count(body)
        for row in at(body, payouts.rows):
            detail = orjson.loads(session.get(f"{url}/{row['uuid']}", timeout=60).content)
            sys.stdout.buffer.write(orjson.dumps({"type": "RECORD", "record": {"data": detail}}) + b"\n")
        page += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
