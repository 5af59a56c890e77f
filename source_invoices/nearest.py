"""The known name that is nearest to one that is not known."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, names: Collection[str], fallback: Collection[str], before: str = "", quote: str = "") -> str:
    """Returns the end of a sentence: the name that was meant, else all of them.

    before: what stands before a name. quote: what it stands between.
    """
    by_small = {known.lower(): known for known in names}
    found = get_close_matches(name.lower(), by_small, n=1)
    if found:
        return f"did you mean {quote}{before}{by_small[found[0]]}{quote}?"
    return f"known here are {', '.join(fallback)}."
