"""A list without page numbers, which may ignore the page that is asked for."""

from source_invoices.components.pages.page import Page

_LARGER, _LARGEST = 10, 1_000_000


class RepeatedList(ValueError):
    """A list without page numbers was sent again: it has ended, or it is longer and ignores the page."""


class BareList:
    """Finds a page size with which such a list comes whole."""

    def __init__(self) -> None:
        self._rows_before: int | None = None

    def has_ended(self, page: Page) -> bool:
        """Returns whether a page that was sent again is the whole list: shorter than was asked for, and not cut off."""
        return len(page.rows) < (page.asked_size or 0) and len(page.rows) != self._rows_before

    def larger_size(self, page: Page) -> int:
        """Returns the size of a larger page to ask for. Raises RepeatedList if a larger one was not longer."""
        size = _LARGER * (page.asked_size or 1)
        if size > _LARGEST or len(page.rows) == self._rows_before:
            raise RepeatedList(
                f"the list ignores the page number, and shows {len(page.rows)} invoices whatever is asked for: it may "
                "be longer"
            )
        self._rows_before = len(page.rows)
        return size
