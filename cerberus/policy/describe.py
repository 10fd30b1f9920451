"""The catalogue as Markdown; `python -m cerberus.policy.describe` prints the tables of docs/permissions.md."""

from cerberus.policy.catalog import (
    BUILT_IN_ROLES,
    LEVEL_VERBS,
    PLATFORM_ROLE_DESCRIPTIONS,
    SCOPE_VERBS,
    Kind,
    Verb,
)


def table(head: list[str], rows: list[list[str]]) -> str:
    """
    A Markdown table.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def marks(verbs: frozenset[Verb]) -> list[str]:
    """
    A cell for each verb of the catalogue: yes, or empty.
    """
    return ["✓" if verb in verbs else "" for verb in Verb]


def tables() -> dict[str, str]:
    """
    Each table of the permissions document by its name.
    """
    verbs = [str(verb) for verb in Verb]
    roles = [
        [f"`{role.name}`", ", ".join(f"{kind} {level}" for kind, level in role.levels.items()),
         "✓" if role.manages_project else "", role.description]
        for role in BUILT_IN_ROLES.values()
    ]  # fmt: skip
    return {
        "kinds": table(["kind"], [[f"`{kind}`"] for kind in Kind]),
        "levels": table(["level", *verbs], [[f"`{level}`", *marks(given)] for level, given in LEVEL_VERBS.items()]),
        "roles": table(["role", "level on each kind (`*`: every kind)", "manages the project", "who has it"], roles),
        "platform roles": table(
            ["platform role", "who has it"], [[f"`{role}`", text] for role, text in PLATFORM_ROLE_DESCRIPTIONS.items()]
        ),
        "scopes": table(["scope", *verbs], [[f"`{scope}`", *marks(given)] for scope, given in SCOPE_VERBS.items()]),
    }


if __name__ == "__main__":
    for name, text in tables().items():
        print(f"<!-- {name} -->\n{text}\n<!-- end -->\n")
