"""Makes the environment of the demo: `python demo/environment.py FOLDER`. It looks at the version of Python first.

Any Python from 3.6 on can run this file, so that an old one is told what is missing.
"""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
LOCK = HOME / "locks" / "demo.txt"
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
DOWNLOAD, DISK = 220, 880
"""How many MB are downloaded and installed."""


def main(folder: Path) -> int:
    """Makes the environment, unless it is there, up to date, and of this version. Returns the exit code."""
    version = "{}.{}".format(*sys.version_info)
    if version not in VERSIONS:
        print(refusal(version), file=sys.stderr)
        return 1
    if is_ready(folder, version):
        return 0
    print(
        f"Installing what the demo needs into {folder}: {DOWNLOAD} MB to download, {DISK} MB on disk."
        " This takes some minutes, once.",
        flush=True,
    )
    return install(folder, version)


def refusal(version: str) -> str:
    """What to do with a Python in which the demo does not run."""
    here = [f"python{other}" for other in reversed(VERSIONS) if works(f"python{other}")]
    return (
        f"The demo needs Python {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}, and this is {version}."
        f" Run make demo PYTHON={here[0] if here else 'python' + VERSIONS[-1]}."
    )


def works(program: str) -> bool:
    """Whether there is such a program, and not only a placeholder for it."""
    return shutil.which(program) is not None and subprocess.call([program, "-c", ""], stderr=subprocess.DEVNULL) == 0


def is_ready(folder: Path, version: str) -> bool:
    """Whether all was installed, with this version of Python, and has not changed since."""
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != version:
        return False
    return all(file.stat().st_mtime <= stamp.stat().st_mtime for file in (HOME / "pyproject.toml", LOCK))


def install(folder: Path, version: str) -> int:
    """Makes the environment anew. The lock names every package with its hash, so pip resolves nothing."""
    venv.create(str(folder), clear=True, with_pip=True)
    pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    # PyAirbyte says that it supports Python up to 3.12. The tests run the demo on 3.13 as well.
    for what in (
        ["--ignore-requires-python", "--require-hashes", "-r", str(LOCK)],
        ["--no-build-isolation", "-e", str(HOME)],
    ):
        code = subprocess.call([*pip, "--no-deps", *what])
        if code:
            print("The demo could not be installed: pip says why above.", file=sys.stderr)
            return code
    (folder / "installed").write_text(version)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
