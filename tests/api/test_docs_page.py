"""
The page to try the API: nothing from elsewhere, nothing kept, and it works in a browser.
"""

import threading

import pytest
from werkzeug.serving import make_server

from cerberus.api import create_app, docs_page


def test_everything_comes_from_this_server(app):
    client = app.test_client()
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "http" not in policy
    assert "//" not in docs_page.PAGE.replace("<!doctype html>", "")
    for name in (*docs_page.TYPES, "start.js"):
        assert client.get(f"/api/v1/docs/{name}").status_code == 200


@pytest.mark.parametrize("name", ["index.html", "..%2f__init__.py", "swagger-ui.js.map", "%2e%2e"])
def test_nothing_else_is_served(app, name):
    assert app.test_client().get(f"/api/v1/docs/{name}").status_code == 404


@pytest.fixture
def address(cerberus, cast):
    server = make_server("127.0.0.1", 0, create_app(cerberus=cerberus), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.mark.browser
def test_somebody_types_a_token_in_and_asks_who_they_are(chromium, address, cast):
    from playwright.sync_api import expect

    token = cast.token("bob")
    page = chromium.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/api/v1/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(token)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.locator(".btn-done").first.click()
    page.locator("#operations-tag-me").click()
    me = page.locator("#operations-me-show_me")
    me.locator(".opblock-summary-control").click()
    me.get_by_role("button", name="Execute").click()
    expect(me.locator(".live-responses-table")).to_contain_text('"name": "bob"')
    assert said == []
    assert all(url.startswith((address, "data:")) for url in asked), asked
    assert not [url for url in asked if token in url]
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("document.cookie") == ""
    page.close()
