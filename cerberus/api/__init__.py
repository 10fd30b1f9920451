"""Cerberus over HTTP: `gunicorn 'cerberus.api:create_app()'`."""

from cerberus.api.app import create_app

__all__ = ["create_app"]
