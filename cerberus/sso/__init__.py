"""Single sign-on: talks to an OpenID provider and judges what it signed. Knows no database."""
