"""
The OpenAPI description: valid, complete, and what docs/api.md says.
"""

import re
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

DOC = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "/api/v1/openapi.json"
BESIDE = {("GET", ADDRESS), ("GET", "/api/v1/docs"), ("GET", "/api/v1/docs/{name}"), ("GET", "/metrics")}
"""What no description of an API describes: itself, its page, and what an operator's own tools read."""


@pytest.fixture
def description(app):
    response = app.test_client().get(ADDRESS)
    assert response.status_code == 200
    return response.get_json()


def operations(description):
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_it_is_valid_openapi_3_1(description):
    assert description["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(description).validate()


@pytest.fixture
def routes(app):
    return {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_described(routes, description):
    assert {tuple(name.split()) for name, _ in operations(description)} | BESIDE == routes


def test_docs_name_the_same_endpoints(routes):
    assert set(re.findall(r"^\| (GET|POST|PUT|DELETE|PATCH) \| `([^`]+)` \|", DOC, re.M)) == routes


def test_docs_name_the_public_ones(description):
    public = {name for name, operation in operations(description) if operation["security"] == []}
    documented = re.findall(r"^\| (GET|POST) \| `([^`]+)` \|.*\| public \|$", DOC, re.M)
    assert {f"{method} {path}" for method, path in documented} == public | {
        " ".join(each) for each in BESIDE if each[1] != "/metrics"
    }


def test_docs_name_every_field_of_a_body(description):
    schemas = description["components"]["schemas"]
    for name, operation in operations(description):
        if "requestBody" not in operation:
            continue
        model = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        method, path = name.split()
        (row,) = [line for line in DOC.splitlines() if line.startswith(f"| {method} | `{path}` |")]
        for field in schemas[model].get("properties", ["change"]):  # a body of several shapes has a table of its own
            assert f"`{field}`" in row, (name, field)


def test_every_error_is_a_problem(description):
    for name, operation in operations(description):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_docs_explain_every_status_that_is_described(description):
    described = {status for _, operation in operations(description) for status in operation["responses"]}
    documented = set(re.findall(r"^\| (\d{3}) \| `", DOC, re.M))
    assert {status for status in described if status >= "400"} <= documented


def test_it_names_no_secret_of_the_server(app, description):
    assert "sqlite" not in str(description)
    assert "/tmp" not in str(description)  # noqa: S108
    assert app.test_client().get(ADDRESS).headers["X-Content-Type-Options"] == "nosniff"
