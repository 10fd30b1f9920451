"""One line for each event, with the number of the request; never a secret, a query string or a body."""

from __future__ import annotations

import logging
import secrets
import sys

_LOGGER = logging.getLogger("studio")


def start() -> None:
    """Write Studio's events to standard output."""
    if _LOGGER.handlers:
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def new_id() -> str:
    """A number for a request or an error, short enough to be read out."""
    return secrets.token_hex(6)


def event(name: str, **facts: object) -> None:
    """One line: the event's name, then its facts as `key=value`."""
    _LOGGER.info(_line(name, facts))


def problem(name: str, error: BaseException, **facts: object) -> None:
    """One line for what went wrong: the kind of error and where, not its text, which may quote a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "-"
    _LOGGER.error(_line(name, {"error": type(error).__name__, "where": where, **facts}))


def _line(name: str, facts: dict[str, object]) -> str:
    return " ".join([f"event={name}", *(f"{key}={_plain(value)}" for key, value in facts.items())])


def _plain(value: object) -> str:
    """No space or line break of a visitor's can forge a second fact or line."""
    text = "".join(c if c.isprintable() and not c.isspace() else "_" for c in str(value))
    return text[:200] or "-"
