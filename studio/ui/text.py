"""Words that somebody else wrote, made safe to stand inside Markdown."""

from __future__ import annotations

import re

_MEANS_SOMETHING = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def plain(text: object) -> str:
    """`text` as it is: no emphasis, link, image, icon or second line of its writer's."""
    return _MEANS_SOMETHING.sub(r"\\\1", " ".join(str(text).split()))
