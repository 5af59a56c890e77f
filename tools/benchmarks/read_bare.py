"""The lower limit: requests and orjson, page by page, without any check.

`python -m tools.benchmarks.read_bare CONFIG STREAM [THREADS]`. With a number of threads, the responses are only
fetched, to measure what the sandbox can serve.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import requests

from tools.benchmarks.lists import at, invoice_list


def main(config_path: str, stream: str, threads: str = "0") -> None:
    config = json.loads(Path(config_path).read_text())
    invoices = invoice_list(stream, config)
    session = requests.Session()
    session.headers.update(invoices.headers)

    def fetch(page: int) -> bytes:
        return session.get(invoices.url, params={**invoices.parameters, "page": page}, timeout=60).content

    out = sys.stdout.buffer
    page, pages = 1, 1
    while page <= pages:
        body = orjson.loads(fetch(page))
        pages = invoices.page_count(body)
        rows = at(body, invoices.rows)
        if int(threads):
            with ThreadPoolExecutor(int(threads)) as pool:
                answers = [len(answer) for answer in pool.map(fetch, range(2, pages + 1))]
            out.write(b'{"type":"RECORD"}\n' * (len(rows) * (1 + len(answers))))
            return
        for row in rows:
            out.write(orjson.dumps({"type": "RECORD", "record": {"stream": stream, "data": row}}) + b"\n")
        page += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
