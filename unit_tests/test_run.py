"""How the process starts, and how the messages of a sync are written."""

import platform
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


@pytest.mark.skipif(sys.version_info < (3, 11), reason="older versions keep each frame for itself")
def test_frames_take_no_memory_from_the_system_again_and_again() -> None:
    code = """
import resource, sys
from source_invoices import __main__ as process
def nothing(): pass
def call(depth):
    if depth: return call(depth - 1)
    for _ in range(1_000): nothing()
def main():
    global faults
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for depth in range(300): call(depth)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
main()
print(faults)
process._with_one_stack(main)()
print(faults)
print(process.main.__code__.co_stacksize == main.__code__.co_stacksize)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    as_usual, with_one_stack, is_used = process.stdout.split()
    assert int(as_usual) > 1_000  # once for each call over an edge
    assert int(with_one_stack) < 100
    assert is_used == "True"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for each thread")
def test_all_threads_share_one_heap() -> None:
    code = """
import ctypes, sys, threading
from source_invoices.__main__ import main
sys.argv = ["source-invoices", "spec"]
main()
together = threading.Barrier(4)
def allocate():
    texts = [bytes(5_000) for _ in range(100)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.count("<heap nr=") == 1
