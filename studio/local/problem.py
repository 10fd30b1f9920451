"""The one error of the launcher."""


class Problem(Exception):
    """
    Why ML Studio cannot start, in one sentence that says what to do. Shown without a traceback.
    """
