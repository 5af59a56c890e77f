"""What goes in: the configuration, the catalog and the state, as files, as pipes, and as the commands print them."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, Output, assert_no_secret, catalog_of, command, messages_in
from integration_tests.support.forked import run_forked
from sandbox import Fault, Sandbox

STREAM = "payhubix_invoices"
PROGRAM = (sys.executable, "-m", "source_invoices")
OPTIONS = ("config", "catalog", "state")


def started(arguments: list[str], environment: Mapping[str, str] | None = None) -> Output:
    """A command as a process, of which every line on stdout is a JSON message. The configuration may be any file."""
    ended = run_forked(arguments, environment)
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    assert messages
    output = Output(ended.exit_code, messages, ended.stdout + ended.stderr)
    path = Path(arguments[arguments.index("--config") + 1])
    with contextlib.suppress(ValueError, RecursionError, OSError):
        assert_no_secret(output, json.loads(path.read_bytes()))
    return output


def good_files(sandbox: Sandbox, folder: Path) -> dict[str, Path]:
    contents: dict[str, Any] = {"config": sandbox.config(), "catalog": catalog_of([STREAM]), "state": []}
    for option, content in contents.items():
        (folder / f"{option}.json").write_text(json.dumps(content))
    return {option: folder / f"{option}.json" for option in contents}


def arguments_of(files: Mapping[str, Path | str]) -> list[str]:
    return ["read", *(part for option, path in files.items() for part in (f"--{option}", str(path)))]


def error_of(output: Output) -> str:
    assert output.exit_code == 1
    (error,) = output.errors()
    assert error["failure_type"] == "config_error"
    assert "Traceback" not in output.text
    return str(error["message"])


# --- the configuration


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda config: config | {"payhubx": {}}, "`payhubx` is not a setting; did you mean `payhubix`?"),
        (lambda config: config | {"start_dat": ""}, "`start_dat` is not a setting; did you mean `start_date`?"),
        (lambda config: config | {"Nexudus": {}}, "`Nexudus` is not a setting; did you mean `nexudus`?"),
        (lambda config: config | {"x": 1}, "`x` is not a setting; known here are start_date, ipxo, nexudus, payhubix"),
        (
            lambda config: config | {"payhubix": {**config["payhubix"], "api_ky": "k"}},
            "`payhubix.api_ky` is not a setting; did you mean `payhubix.api_key`?",
        ),
        (
            lambda config: config | {"payhubix": {**config["payhubix"], "filters": {"currency": "EUR"}}},
            "`payhubix.filters.currency` is not a setting; did you mean `payhubix.filters.currency_symbol`?",
        ),
        (
            lambda config: (
                config
                | {"nexudus": {**config["nexudus"], "credentials": {**config["nexudus"]["credentials"], "topt": "123"}}}
            ),
            "`nexudus.credentials.topt` is not a setting; did you mean `nexudus.credentials.totp`?",
        ),
    ],
    ids=["provider", "date", "case", "far from all", "in a provider", "in filters", "in credentials"],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(
    sandbox: Sandbox, tmp_path: Path, change: Any, sentence: str
) -> None:
    config = change(sandbox.config())
    check = started(command(tmp_path, "check", config=config))
    assert check.exit_code == 0
    assert check.connection_status()["status"] == "FAILED"
    assert sentence in check.connection_status()["message"]
    assert sentence in error_of(started(command(tmp_path, "read", config=config, catalog=catalog_of([STREAM]))))
    assert sandbox.count(STREAM) == 0


@pytest.mark.parametrize("verb", ["check", "discover", "read"])
def test_the_keys_that_a_platform_puts_in_are_let_through(sandbox: Sandbox, tmp_path: Path, verb: str) -> None:
    injected = {
        "__injected_declarative_manifest": {"streams": []},
        "__test_read_config": {"max_records": 1},
        "__command": "test_read",
        "__should_migrate": True,
        "_limit": 1,
        "_page_size": 1,
    }
    config = {**sandbox.config(), **injected}
    files = {"catalog": catalog_of(STREAMS)} if verb == "read" else {}
    output = started(command(tmp_path, verb, config=config, **files))
    assert output.exit_code == 0
    if verb == "check":
        assert output.connection_status()["status"] == "SUCCEEDED"
    if verb == "discover":
        assert len(output.of_type("CATALOG")[0]["streams"]) == len(STREAMS)
    if verb == "read":
        assert {stream: len(output.records(stream)) for stream in STREAMS} == dict.fromkeys(STREAMS, 9)


@pytest.mark.parametrize("verb", ["check", "discover", "read"])
@pytest.mark.parametrize("place", ["top", "provider", "credentials"])
def test_code_in_the_configuration_is_never_run(sandbox: Sandbox, tmp_path: Path, verb: str, place: str) -> None:
    marker = tmp_path / "marker"
    code = f"open({str(marker)!r}, 'w').write('run')"
    injected = {
        "__injected_components_py": code,
        "__injected_components_py_checksums": {"md5": md5(code.encode()).hexdigest()},
    }
    config = sandbox.config()
    {"top": config, "provider": config["payhubix"], "credentials": config["ipxo"]["credentials"]}[place].update(
        injected
    )
    files = {"catalog": catalog_of([STREAM])} if verb == "read" else {}
    environment = {"AIRBYTE_ENABLE_UNSAFE_CODE": "true"}
    output = started(command(tmp_path, verb, config=config, **files), environment)
    assert output.exit_code == 0
    assert not marker.exists()


def test_the_limits_of_check_cannot_be_set_from_outside(sandbox: Sandbox, tmp_path: Path) -> None:
    config = {**sandbox.config(), "__check_limits": {"page_size": 1, "attempts": 1, "longest_wait": 0}}
    sandbox.faults.append(Fault(kind="status", status=500, route=STREAM, times=1))
    output = started(command(tmp_path, "read", config=config, catalog=catalog_of([STREAM])))
    assert (output.exit_code, len(output.records(STREAM))) == (0, 9)


# --- the files


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_files_may_have_a_byte_order_mark_or_be_utf_16(sandbox: Sandbox, tmp_path: Path, encoding: str) -> None:
    files = good_files(sandbox, tmp_path)
    for path in files.values():
        path.write_bytes(path.read_text().encode(encoding))
    output = started(arguments_of(files))
    assert (output.exit_code, len(output.records(STREAM))) == (0, 9)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "Latin-1": ('{"start_date": "M\xe4rz"}'.encode("latin-1"), "UTF-8"),
    "NUL": (b"\x00", "JSON"),
    "half": (b'{"payhubix": {', "JSON"),
    "text": (b'"text"', "object"),
    "NaN": (b'{"streams": NaN, "num_workers": NaN}', "NaN"),
    "deep": (b'{"streams": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested"),
    "deep objects": (b'{"streams": ' * 10_000 + b"1" + b"}" * 10_000, "nested"),
    "500 levels": (b'{"streams": ' * 500 + b"1" + b"}" * 500, "nested"),
    "long number": (b'{"streams": ' + b"9" * 5_000 + b"}", "number"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_that_cannot_be_used_is_refused(sandbox: Sandbox, tmp_path: Path, option: str, case: str) -> None:
    content, words = HOSTILE[case]
    files = good_files(sandbox, tmp_path)
    files[option].write_bytes(content)
    message = error_of(started(arguments_of(files)))
    assert f"--{option}" in message
    assert words in message
    assert len(message) < 400


def test_a_key_of_the_configuration_that_stands_twice_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    files = good_files(sandbox, tmp_path)
    files["config"].write_text('{"start_date": "2025-01-01", "start_date": "2026-01-01"}')
    assert "`start_date` twice" in error_of(started(arguments_of(files)))


def test_of_a_key_of_the_state_that_stands_twice_the_last_value_counts(sandbox: Sandbox, tmp_path: Path) -> None:
    files = good_files(sandbox, tmp_path)
    state = json.dumps(started(arguments_of(files)).state())
    twice = state.replace('{"type"', '{"global": {}, "global": null, "type"')
    assert twice != state
    files["state"].write_text(twice)
    assert started(arguments_of(files)).exit_code == 0


@pytest.mark.parametrize("option", ["config", "catalog"])
def test_a_list_is_no_configuration_and_no_catalog(sandbox: Sandbox, tmp_path: Path, option: str) -> None:
    files = good_files(sandbox, tmp_path)
    files[option].write_text("[]")
    message = error_of(started(arguments_of(files)))
    assert f"--{option}" in message
    assert "a list" in message


@pytest.mark.parametrize("option", OPTIONS)
def test_a_folder_or_a_missing_file_is_named(sandbox: Sandbox, tmp_path: Path, option: str) -> None:
    files: dict[str, Path | str] = dict(good_files(sandbox, tmp_path))
    for path, words in [(str(tmp_path), "is a folder"), ("nowhere.json", "is not there"), ("", "is not there")]:
        message = error_of(started(arguments_of({**files, option: path})))
        assert f"--{option}" in message
        assert words in message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not read a file")
@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_that_may_not_be_read_is_named(sandbox: Sandbox, tmp_path: Path, option: str) -> None:
    files: dict[str, Path | str] = dict(good_files(sandbox, tmp_path))
    files[option] = "/proc/1/mem"
    message = error_of(started(arguments_of(files)))
    assert f"--{option}" in message


@pytest.mark.parametrize("option", OPTIONS)
def test_each_file_may_be_a_pipe(sandbox: Sandbox, tmp_path: Path, option: str) -> None:
    files = good_files(sandbox, tmp_path)
    content = files[option].read_bytes()
    arguments = arguments_of({**files, option: "/dev/stdin"})
    done = subprocess.run([*PROGRAM, *arguments], input=content, capture_output=True, check=False)
    output = Output(done.returncode, [json.loads(line) for line in done.stdout.splitlines()], "")
    assert (output.exit_code, len(output.records(STREAM))) == (0, 9)


def test_every_file_may_be_a_substitution_of_the_shell(sandbox: Sandbox, tmp_path: Path) -> None:
    files = good_files(sandbox, tmp_path)
    parts = " ".join(f"--{option} <(cat {path})" for option, path in files.items())
    script = f"{sys.executable} -m source_invoices read {parts}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    output = Output(done.returncode, [json.loads(line) for line in done.stdout.splitlines()], "")
    assert (output.exit_code, len(output.records(STREAM))) == (0, 9)


def test_files_are_utf_8_in_every_locale(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.nexudus.password = "Żółć-発票-ü"
    config = sandbox.config()
    key = sandbox.tables["nexudus_payout_invoices"].keys()[4]
    sandbox.tables["nexudus_payout_invoices"].change(key, InvoiceBusinessName="Großhandel 発票")
    config["nexudus"]["filters"] = {"invoice_business_name": "Großhandel 発票"}
    catalog = catalog_of(["nexudus_payout_invoices"])
    for option, content in {"config": config, "catalog": catalog}.items():
        (tmp_path / f"{option}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    files = {option: tmp_path / f"{option}.json" for option in ("config", "catalog")}
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    # A fresh interpreter: only at its start does it take the locale.
    done = subprocess.run([*PROGRAM, *arguments_of(files)], capture_output=True, env=environment, check=False)
    output = Output(done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()], "")
    assert output.exit_code == 0
    assert [row["Id"] for row in output.records("nexudus_payout_invoices")] == [key]


# --- from discover to read


@pytest.fixture
def discovered(sandbox: Sandbox, tmp_path: Path) -> Path:
    """What `discover` prints, in a file, and the configuration beside it."""
    output = started(command(tmp_path, "discover", config=sandbox.config()))
    path = tmp_path / "discovered.json"
    log = json.dumps({"type": "LOG", "log": {"level": "INFO", "message": "x"}})
    path.write_text(f"{log}\n{output.text}{log}\n")
    return path


def read_with(folder: Path, *arguments: str) -> Output:
    return started(["read", "--config", str(folder / "config.json"), *arguments])


def counts(output: Output) -> dict[str, int]:
    return {stream: len(output.records(stream)) for stream in STREAMS if output.status(stream)}


def test_read_takes_what_discover_printed_and_what_read_printed(discovered: Path, tmp_path: Path) -> None:
    first = read_with(tmp_path, "--catalog", str(discovered))
    assert (first.exit_code, counts(first)) == (0, dict.fromkeys(STREAMS, 9))
    out = tmp_path / "out.jsonl"
    out.write_text(first.text)
    again = read_with(tmp_path, "--catalog", str(discovered), "--state", str(out))
    array = tmp_path / "state.json"
    array.write_text(json.dumps(first.state()))
    expected = read_with(tmp_path, "--catalog", str(discovered), "--state", str(array))
    assert again.exit_code == expected.exit_code == 0
    assert counts(again) == counts(expected) != counts(first)


def test_a_catalog_without_its_message_is_taken_too(discovered: Path, tmp_path: Path) -> None:
    (catalog,) = [message["catalog"] for message in messages_in(discovered.read_text()) if message["type"] == "CATALOG"]
    for content in (catalog, {"type": "CATALOG", "catalog": catalog}):
        discovered.write_text(json.dumps(content, indent=2))
        assert counts(read_with(tmp_path, "--catalog", str(discovered))) == dict.fromkeys(STREAMS, 9)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"type": "LOG", "log": {}}\n{"type": "TRACE", "trace": {}}\n', "no CATALOG message"),
        ('{"type": "TRACE", "trace": {}}\n', "no CATALOG message"),
        ('{"type": "LOG", "log": {}}\n{"type": "CATALOG", "cat', "line 2"),
        ('{"streams": [{"name": 1}]}', "item 1"),
        ('{"streams": [{"stream": {"name": "payhubix_invoices"}, "sync_mode": "often"}]}', "item 1"),
        ('{"streams": {}}', "`streams`"),
        ('{"stream": []}', "`streams`"),
        ('{"streams": []}', "names no stream"),
    ],
)
def test_what_is_no_catalog_is_refused(sandbox: Sandbox, tmp_path: Path, content: str, words: str) -> None:
    files = good_files(sandbox, tmp_path)
    files["catalog"].write_text(content)
    message = error_of(started(arguments_of(files)))
    assert "--catalog" in message
    assert words in message


@pytest.mark.parametrize("way", ["classic", "discovered", "none"])
def test_streams_are_chosen_by_name(sandbox: Sandbox, discovered: Path, tmp_path: Path, way: str) -> None:
    files = good_files(sandbox, tmp_path)
    files["catalog"].write_text(json.dumps(catalog_of(STREAMS)))
    catalog = {
        "classic": ["--catalog", str(files["catalog"])],
        "discovered": ["--catalog", str(discovered)],
        "none": [],
    }
    output = read_with(tmp_path, *catalog[way], "--streams", f"{STREAM}, nexudus_payout_invoices,")
    assert output.exit_code == 0
    assert counts(output) == {"nexudus_payout_invoices": 9, STREAM: 9}
    out = tmp_path / "out.jsonl"
    out.write_text(output.text)
    again = read_with(tmp_path, *catalog[way], "--streams", STREAM, "--state", str(out))
    assert counts(again) == {STREAM: 1}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("payhubix_invoice", "did you mean payhubix_invoices?"),
        (f"{STREAM},Invoices-of-Nobody", "Invoices-of-Nobody"),
        ("", "--streams names no stream"),
        (" , ", "--streams names no stream"),
    ],
)
def test_a_stream_that_is_not_known_is_refused(sandbox: Sandbox, tmp_path: Path, names: str, words: str) -> None:
    good_files(sandbox, tmp_path)
    for more in ([], ["--catalog", str(tmp_path / "catalog.json")]):
        message = error_of(read_with(tmp_path, "--streams", names, *more))
        assert "--streams" in message
        assert words in message


def test_a_stream_that_the_catalog_does_not_name_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    files = good_files(sandbox, tmp_path)
    output = read_with(tmp_path, "--streams", "ipxo_invoices", "--catalog", str(files["catalog"]))
    assert "ipxo_invoices" in error_of(output)
    assert STREAM in error_of(output)


def test_read_needs_a_catalog_or_streams(sandbox: Sandbox, tmp_path: Path) -> None:
    arguments = command(tmp_path, "read", config=sandbox.config())
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--catalog" in done.stderr
    assert "--streams" in done.stderr


# --- the state


@pytest.fixture
def earlier(sandbox: Sandbox, tmp_path: Path) -> Output:
    """A first read of one stream; its files are in the folder."""
    return started(arguments_of(good_files(sandbox, tmp_path)))


def next_read(folder: Path, state: str) -> Output:
    path = folder / "state.json"
    path.write_text(state)
    return started(arguments_of({option: folder / f"{option}.json" for option in OPTIONS}))


@pytest.mark.parametrize("form", ["message", "state", "without type", "lines", "slurped", "repeated", "indented"])
def test_a_state_is_taken_in_each_form(earlier: Output, tmp_path: Path, form: str) -> None:
    (state,) = earlier.state()
    message = {"type": "STATE", "state": state}
    old = {**state, "stream": {**state["stream"], "stream_state": {}}}
    forms = {
        "message": json.dumps(message),
        "state": json.dumps(state),
        "without type": json.dumps({"stream": state["stream"]}),
        "lines": f"{json.dumps(state)}\n\n{json.dumps(state)}\n",
        "slurped": json.dumps([{"type": "LOG", "log": {}}, message]),
        "repeated": json.dumps([old, state]),
        "indented": json.dumps(state, indent=1),
    }
    output = next_read(tmp_path, forms[form])
    assert (output.exit_code, len(output.records(STREAM))) == (0, 1)


def test_a_half_last_line_is_ignored_and_said(earlier: Output, tmp_path: Path) -> None:
    output = next_read(tmp_path, earlier.text + '{"type":"RECORD","record":{"stream":"payh')
    assert (output.exit_code, len(output.records(STREAM))) == (0, 1)
    assert [log for log in output.of_type("LOG") if log["level"] == "WARN" and "last line" in log["message"]]


@pytest.mark.parametrize("line", ["Stopped.", '{"type":"RECORD","rec{"type":"LOG"}', "[]", '"STATE"'])
def test_any_other_malformed_line_is_named(earlier: Output, tmp_path: Path, line: str) -> None:
    first, rest = earlier.text.split("\n", 1)
    message = error_of(next_read(tmp_path, f"{first}\n{line}\n{rest}"))
    assert "--state" in message
    assert "line 2" in message


def test_output_without_a_state_reads_everything_and_says_so(earlier: Output, tmp_path: Path) -> None:
    logs = [line for line in earlier.text.splitlines() if json.loads(line)["type"] != "STATE"]
    output = next_read(tmp_path, "\n".join(logs) + "\n")
    assert (output.exit_code, len(output.records(STREAM))) == (0, 9)
    assert [log for log in output.of_type("LOG") if "no STATE message" in log["message"]]


@pytest.mark.parametrize("state", ["[]", "{}", "null"])
def test_an_empty_list_or_object_is_no_state(earlier: Output, tmp_path: Path, state: str) -> None:
    output = next_read(tmp_path, state)
    assert (output.exit_code, len(output.records(STREAM))) == (0, 9)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ({STREAM: {"created_at": "2025-01-01"}}, "LEGACY"),
        ({"type": "LEGACY", "data": {STREAM: {}}}, "LEGACY"),
        ([{"type": "LEGACY", "data": {STREAM: {}}}], "LEGACY"),
        ({"stream": {"created_at": "2025-01-01"}}, "LEGACY"),
        ([{"type": "GLOBAL", "global": {"shared_state": {}, "stream_states": []}}], "GLOBAL"),
        ({"type": "GLOBAL", "global": {"stream_states": []}}, "GLOBAL"),
        ({"type": "STATE", "state": {"type": "GLOBAL", "global": {"stream_states": []}}}, "GLOBAL"),
        ({"type": "STATE", "state": {"data": {STREAM: {}}}}, "LEGACY"),
    ],
)
def test_a_state_of_another_type_is_refused(earlier: Output, tmp_path: Path, state: Any, kind: str) -> None:
    message = error_of(next_read(tmp_path, json.dumps(state)))
    assert f"of type {kind}" in message
    assert "STREAM" in message


@pytest.mark.parametrize(
    "state",
    [
        [1],
        [None],
        [[]],
        [{"type": "STREAM"}],
        [{"type": "STREAM", "stream": {}}],
        [{"type": "STREAM", "stream": {"stream_descriptor": {}}}],
        [{"type": "STREAM", "stream": {"stream_descriptor": {"name": 1}, "stream_state": {}}}],
        [{"type": "STREAM", "stream": {"stream_descriptor": {"name": STREAM}, "stream_state": [1]}}],
        [{"type": "STREAM", "stream": {"stream_descriptor": {"name": STREAM}, "stream_state": "x"}}],
        [{"type": "OTHER", "stream": {"stream_descriptor": {"name": STREAM}, "stream_state": {}}}],
        [{"type": "STATE"}],
        [{"type": ["STREAM"]}],
    ],
    ids=json.dumps,
)
def test_what_is_no_state_is_refused_with_its_place(earlier: Output, tmp_path: Path, state: Any) -> None:
    message = error_of(next_read(tmp_path, json.dumps(state)))
    assert "--state" in message
    assert "item 1" in message
