#!/usr/bin/env python3
"""The smallest Singer target: rows into JSON Lines files, and each state back when the rows before it are written."""

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
