"""Access tokens: one's own, and those of the service accounts that one manages."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import TokenCreate, TokenCreated, Tokens, TokenShown, TokensQuery
from cerberus.api.pages import first
from cerberus.errors import Conflict, Forbidden, NotFound

tokens = noun("tokens")


@tokens.route(
    "GET",
    "/tokens",
    summary="List tokens",
    query=TokensQuery,
    answer=Tokens,
    raises=(NotFound, Forbidden),
)
def list_tokens(caller: Caller, query: TokensQuery) -> Tokens:
    found = caller.cerberus.tokens.list(caller.actor, owner=query.owner, limit=query.limit + 1, after=query.after)
    shown, rest = first(found, query, lambda token: token.position)
    return Tokens(items=tuple(TokenShown.of(token) for token in shown), next=rest)


@tokens.route(
    "POST",
    "/tokens",
    summary="Make a token; its secret is shown this once",
    body=TokenCreate,
    answer=TokenCreated,
    status=HTTPStatus.CREATED,
    raises=(NotFound, Forbidden, Conflict),
)
def create_token(caller: Caller, body: TokenCreate) -> TokenCreated:
    made = caller.cerberus.tokens.create(
        caller.actor, body.name, scopes=body.scopes, project=body.project, days=body.days, owner=body.owner
    )
    return TokenCreated(secret=made.secret, **TokenShown.of(made.token).model_dump())


@tokens.route(
    "DELETE", "/tokens/<token_id>", summary="Revoke a token: it stops working at once", raises=(NotFound, Forbidden)
)
def revoke_token(caller: Caller, token_id: str) -> None:
    caller.cerberus.tokens.revoke(caller.actor, token_id)
