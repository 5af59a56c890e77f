"""A PostgreSQL server on the loopback interface, with an empty database and a password, in a folder of its own."""

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

ADDRESS = "127.0.0.1"
USER = "books"


class NoPostgres(Exception):
    """There is no PostgreSQL here."""


def programs() -> Path:
    """The folder with the server's programs, which Debian does not put on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    if not found and on_path is None:
        raise NoPostgres(
            "There is no PostgreSQL here. On Debian, root installs it by system_tests/postgresql/install.sh."
        )
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


class Postgres:
    """The server. Use it as a context manager. It does not run as root, which it refuses."""

    def __init__(self) -> None:
        self.password = secrets.token_hex(16)
        self.port = 0
        self._account = "postgres" if os.geteuid() == 0 else None

    def __enter__(self) -> "Postgres":
        self._folder = tempfile.TemporaryDirectory(prefix="postgresql-")
        folder = Path(self._folder.name)
        (folder / "password").write_text(self.password)
        if self._account:
            owner = pwd.getpwnam(self._account)
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._run(
            "initdb", "--username", USER, "--auth=scram-sha-256", "--pwfile", str(folder / "password"), "--no-sync"
        )
        with socket.create_server((ADDRESS, 0)) as free:
            self.port = free.getsockname()[1]
        options = f"-c listen_addresses={ADDRESS} -c port={self.port} -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "start", "--wait", "--log", str(folder / "log"), "--options", options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")
        self._folder.cleanup()

    def url(self, database: str = "postgres") -> str:
        """The address of a database, with user and password."""
        return f"postgresql://{USER}:{self.password}@{ADDRESS}:{self.port}/{database}"

    def create(self, database: str) -> None:
        """An empty database."""
        self.execute(f'CREATE DATABASE "{database}"')

    def execute(self, sql: str, database: str = "postgres") -> str:
        """What a statement prints, as psql does without ornament."""
        command = [
            str(programs() / "psql"),
            self.url(database),
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
        ]
        done = subprocess.run(
            [*command, "--set=ON_ERROR_STOP=1", "--command", sql], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def query(self, sql: str, database: str = "postgres") -> list[dict[str, Any]]:
        """The rows of a query. Numbers are exact."""
        text = self.execute(f"SELECT coalesce(json_agg(found), '[]') FROM ({sql}) AS found", database)
        rows: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)
        return rows

    def _run(self, program: str, *arguments: str) -> None:
        folder = self._folder.name
        done = subprocess.run(
            [programs() / program, *arguments],
            env={**os.environ, "PGDATA": f"{folder}/data", "LC_ALL": "C.UTF-8"},
            cwd=folder,
            user=self._account,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # which the server keeps open
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            text=True,
            check=False,
        )
        if done.returncode:
            log = Path(folder, "log")
            raise RuntimeError(f"{program} failed. {done.stderr or (log.read_text() if log.exists() else '')}")
