"""Cerberus from a notebook or a script: who am I, what may I, who is in my project.

    from cerberus.client import Client

    cerberus = Client()                      # CERBERUS_URL and MLFLOW_TRACKING_TOKEN, or Client(url, token)
    cerberus.me().name
    cerberus.can("update", "experiment", "fraud")

Needs `requests` only. Errors are those of `cerberus.errors`.
"""

from cerberus.client.answers import Answer, Me, Member, Project, Question, Token
from cerberus.client.client import Client

__all__ = ["Answer", "Client", "Me", "Member", "Project", "Question", "Token"]
