"""Asks the plugin's application in this process, and says which SQL statements ran before each answer.

    python statements_before_answers.py < questions.json > answers.json

A question is {"method", "path", "headers", "body"}; an answer {"status", "statements", "text"}. A statement is told by
its shape: its text without its values and without how many of them a list has.
"""

import asyncio
import json
import re
import sys
import threading
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from cerberus.store import database
from cerberus.store.engines import Straight

LATER = "cerberus-"
"""How the threads are called that work after an answer, or beside it."""

VALUES = re.compile(r"%\(\w+\)s|\?|__\[POSTCOMPILE_\w+\]|'[^']*'|\b\d+\b")
LISTS = re.compile(r"\((?:\s*\*\s*,?)+\)")
seen: list[str] = []


def shape(statement: str) -> str:
    """
    The statement without what differs from one question to the next.
    """
    return LISTS.sub("(*)", " ".join(VALUES.sub("*", statement).split()))


def note(statement: str) -> None:
    """
    One more statement before the present answer.
    """
    if not threading.current_thread().name.startswith(LATER):
        seen.append(shape(statement))


class Noted(Straight):
    """What goes to the driver without SQLAlchemy."""

    def ask(self) -> Any:
        """
        The same.
        """
        note(self._statement)
        return super().ask()


@event.listens_for(Engine, "before_cursor_execute")
def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    """
    What goes there by way of SQLAlchemy.
    """
    note(statement)


async def ask(app: Any, question: dict[str, Any]) -> dict[str, Any]:
    """
    One request, as uvicorn would hand it over.
    """
    path, _, query = question["path"].partition("?")
    body = (question.get("body") or "").encode("latin-1")
    headers = {"host": "localhost", "content-length": str(len(body)), **question["headers"]}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": question["method"],
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("localhost", 80), "state": {},
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return unread.pop() if unread else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    seen.clear()
    await app(scope, receive, send)
    text = b"".join(each.get("body", b"") for each in sent[1:]).decode("latin-1")
    return {"status": sent[0]["status"], "statements": list(seen), "text": text}


async def main() -> None:
    """
    Answers in the questions' order.
    """
    from cerberus_mlflow.app import create_app

    database.Straight = Noted  # type: ignore[misc]
    app = create_app()
    answers = [await ask(app, question) for question in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
