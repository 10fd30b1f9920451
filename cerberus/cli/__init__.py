"""The `cerberus` command."""

from cerberus.cli.main import build_parser, main

__all__ = ["build_parser", "main"]
