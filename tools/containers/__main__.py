"""`python -m tools.containers [--stand-in]`: builds the image; see `build`."""

import subprocess
import sys

from tools.containers import NoEngine, build, image


def main() -> None:
    try:
        build(may_stand_in="--stand-in" in sys.argv[1:])
    except NoEngine as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"The image could not be built: {error.cmd[0]} {error.cmd[1]} ended with {error.returncode}.")
    print(f"Built {image()}.")


if __name__ == "__main__":
    main()
