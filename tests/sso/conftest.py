"""A provider that does as a test tells it, and a Cerberus that trusts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evil_provider import AUDIENCE, CLIENT, REDIRECT, SECRET, EvilProvider, evil_provider

from cerberus.service import SYSTEM, Cerberus, Entered, Origin
from cerberus.sso.options import Options

BROWSER = "the browser of this test"
ORIGIN = Origin("192.0.2.9", "a browser", "req-sso")


@pytest.fixture
def provider() -> Iterator[EvilProvider]:
    with evil_provider() as found:
        yield found


@pytest.fixture
def options(provider: EvilProvider) -> Options:
    return Options(
        issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, name="Example Inc", jwt_audience=AUDIENCE
    )


@pytest.fixture
def opened(database_url: str, cast: Any, options: Options) -> Iterator[Callable[..., Cerberus]]:
    """Opens a Cerberus on the cast's database with the provider, and with other options where a test wants them."""
    made: list[Cerberus] = []

    def open_with(**changed: Any) -> Cerberus:
        made.append(Cerberus(database_url, password_rounds=4, single_sign_on=replace(options, **changed)))
        return made[-1]

    yield open_with
    for each in made:
        each.close()


@pytest.fixture
def sso(opened: Callable[..., Cerberus]) -> Cerberus:
    return opened()


@pytest.fixture
def linked(sso: Cerberus, provider: EvilProvider) -> Cerberus:
    """Charlie's account at the provider is `c-1`."""
    sso.sign_on.link(SYSTEM, "charlie", issuer=provider.issuer, external_id="c-1")
    return sso


class Person:
    """Somebody with a browser and an account at the provider."""

    def __init__(self, cerberus: Cerberus, provider: EvilProvider, subject: str) -> None:
        self.cerberus, self.provider, self.subject = cerberus, provider, subject

    def begin(self, next: str = "/", browser: str = BROWSER) -> str:
        """Where the browser is sent."""
        return self.cerberus.sign_on.begin(browser=browser, next=next, redirect_uri=REDIRECT)

    def finish(self, answer: dict[str, str], browser: str = BROWSER) -> Entered:
        """The browser comes back."""
        return self.cerberus.sign_on.finish(answer, browser=browser, redirect_uri=REDIRECT, origin=ORIGIN)

    def sign_in(self, next: str = "/", **claims: Any) -> Entered:
        """The whole way."""
        return self.finish(self.provider.signs_in(self.begin(next), self.subject, **claims))


@pytest.fixture
def person(provider: EvilProvider) -> Callable[..., Person]:
    return lambda cerberus, subject="c-1": Person(cerberus, provider, subject)


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file of rules."""

    def write(text: str) -> Path:
        path = tmp_path / "rules.toml"
        path.write_text(text)
        return path

    return write
