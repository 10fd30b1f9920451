"""Whether the process lives, and whether it can work."""

from cerberus.api.endpoint import Visitor, noun
from cerberus.api.models import Health
from cerberus.errors import Unavailable

health = noun("health", prefix="")


@health.route("GET", "/livez", summary="The process answers", answer=Health, public=True)
def livez(visitor: Visitor) -> Health:
    del visitor
    return Health(status="ok")


@health.route("GET", "/readyz", summary="The database answers, too", answer=Health, public=True, raises=(Unavailable,))
def readyz(visitor: Visitor) -> Health:
    visitor.cerberus.ready()
    return Health(status="ok")
