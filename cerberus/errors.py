"""What can go wrong, one class for each thing that a caller can do something about.

Raised inside and translated once, at each edge (`cerberus.api.errors`, Studio's gate, the MLflow plugin).
"""

from typing import ClassVar


class CerberusError(Exception):
    """
    The base of every error here; `message` is one sentence for people and leaks nothing, `hint` says what to do next.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotSignedIn(CerberusError):
    """
    The credential is missing, malformed, unknown, expired, revoked, or belongs to a disabled person.
    """

    code = "not_signed_in"


class Forbidden(CerberusError):
    """
    The caller may see the thing but not do this to it.
    """

    code = "forbidden"


class NotFound(CerberusError):
    """
    The thing does not exist, or the caller may not know that it does.
    """

    code = "not_found"


class Conflict(CerberusError):
    """
    The change contradicts what is there: a name that is taken, the last admin, an archived project.
    """

    code = "conflict"


class InProgress(Conflict):
    """
    The same request is under way already: ask again in a moment.
    """

    code = "in_progress"


class Stale(CerberusError):
    """
    The thing is no longer as the caller last saw it.
    """

    code = "stale"


class Invalid(CerberusError):
    """
    A value that cannot be accepted; `field` names it.
    """

    code = "invalid"

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class Throttled(CerberusError):
    """
    Too many failures; try again after `retry_after` seconds.
    """

    code = "throttled"

    def __init__(self, message: str, *, retry_after: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unavailable(CerberusError):
    """
    Cerberus' database cannot be asked: nothing is allowed until it can.
    """

    code = "unavailable"
