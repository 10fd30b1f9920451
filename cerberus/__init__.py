"""Cerberus: users, groups, projects, roles, grants, tokens, sessions and audit behind one policy function."""
