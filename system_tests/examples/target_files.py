#!/usr/bin/env python3
"""A minimal Singer target. It writes rows into JSON Lines files, then returns the state that came after them."""

import json
import sys
from pathlib import Path

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        with Path("data", f"{message['stream']}.jsonl").open("a") as file:
            file.write(json.dumps(message["record"]) + "\n")
    elif message["type"] == "STATE":
        print(json.dumps(message["value"]), flush=True)
