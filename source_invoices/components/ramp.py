"""How many pages are fetched ahead of the one that is read."""


class Ramp:
    """The number of pages: none at first, at most `most` where there are many more.

    It doubles where a page was not there when it was asked for, so that a walk that ends early has fetched few in vain.
    It falls by one after as many in time as are fetched ahead, so that they take no more memory than is needed. The
    first page ahead is asked for together with the page before it: that it is there in time tells nothing. Near the end
    it is all that are left, so that the list is looked at again while they are read and not after that.
    """

    def __init__(self, most: int) -> None:
        self.pages = 0
        self._most = most
        self._in_time = 0
        self._is_first = False

    def begin_anew(self) -> None:
        """The page asked for is not the next one: nothing is known of those that follow."""
        self.pages = 0

    def go_on(self, *, is_there: bool, left: int, rounds: int) -> None:
        """The next page is asked for; is_there: it has been fetched already.

        left: the pages after it. rounds: how many times at the end an answer is waited for before more is asked for.
        """
        is_late = self._is_first or not is_there
        self._is_first = self.pages == 0
        self._in_time = 0 if is_late else self._in_time + 1
        if is_late:
            self.pages = max(self.pages, min(max(1, 2 * self.pages), self._most))
        elif self._in_time >= self.pages > 1:
            self.pages -= 1
            self._in_time = 0
        if left <= self.pages * rounds:
            self.pages = max(self.pages, left)
