"""Texts of others, as the demo shows them: on the screen, on the page and in files."""

from __future__ import annotations

import unicodedata

HIDDEN = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Emoji and some scripts need them."""


def shown(text: str | None) -> str | None:
    """A text of which all can be seen: what would be invisible, or would turn what follows around, is replaced."""
    return text and "".join(
        character
        if character in JOINERS or unicodedata.category(character) not in HIDDEN
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def plain(text: str) -> str:
    """A text of some lines, each as `shown` has it."""
    return "\n".join(shown(line) or "" for line in text.split("\n"))
