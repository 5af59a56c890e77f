"""What ends the demo early."""


class Problem(Exception):
    """Something that the person has to know or do; its text is shown as it stands."""
