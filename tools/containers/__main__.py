"""Builds the image, or pushes it: `python -m tools.containers [--stand-in | --push REGISTRY]`."""

import argparse
import subprocess
import sys

from tools.containers import NoEngine, build, image, push


def main() -> None:
    parser = argparse.ArgumentParser(prog="containers", description="Builds the image, or pushes it.")
    parser.add_argument("--stand-in", action="store_true", help="where the base image cannot be pulled, use a stand-in")
    parser.add_argument("--push", metavar="REGISTRY", help="push the image to a registry, such as ghcr.io/someone")
    arguments = parser.parse_args()
    try:
        if arguments.push:
            print(f"Pushed {push(arguments.push)}.")
        else:
            build(may_stand_in=arguments.stand_in)
            print(f"Built {image()}.")
    except NoEngine as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} {error.cmd[1]} ended with {error.returncode}.")


if __name__ == "__main__":
    main()
