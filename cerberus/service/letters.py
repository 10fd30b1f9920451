"""The one rule about characters that one cannot see, for every text that people type, wherever it comes in.

Names may be written in any script. What is refused changes a text without showing: controls, marks that turn the
direction of writing, private use, unpaired surrogates, fillers and tags. Scripts are not kept from being mixed: what
identifies somebody is the ASCII name that stands beside every display name, and no rule could tell a fake from a name
of two languages.
"""

import unicodedata
from typing import Final

HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode's categories of controls, formats, private use, unpaired surrogates, and ends of lines and paragraphs."""

BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing."""

JOINERS: Final = frozenset("\u200c\u200d")
"""Scripts such as Persian's, and emoji, need them between two of their letters, and nowhere else."""

OF_LINES: Final = frozenset("\n\r\t")


def hides(text: str) -> bool:
    """
    Whether a text of one line holds something that one cannot see.
    """
    if text.isascii():
        return not text.isprintable()
    return any(_hidden(text, index) for index in range(len(text)))


def hides_in_lines(text: str) -> bool:
    """
    The same for a text that may have several lines and tabs.
    """
    if text.isascii():
        return any(not letter.isprintable() and letter not in OF_LINES for letter in text)
    return any(text[index] not in OF_LINES and _hidden(text, index) for index in range(len(text)))


def controls(text: str) -> bool:
    """
    Whether a text holds controls or unpaired surrogates. All that can be asked of what others have named already, such
    as a model in MLflow: a name that looks like another one must be possible to deny.
    """
    if text.isascii():
        return not text.isprintable()
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def spelled(text: str) -> str:
    """
    The text as any log or terminal takes it: what is no printable ASCII as an escape.
    """
    return text.encode("ascii", "backslashreplace").decode() if text.isprintable() else ascii(text)[1:-1]


def _hidden(text: str, index: int) -> bool:
    letter = text[index]
    if letter in JOINERS:
        return not (_joins(text[index - 1 : index]) and _joins(text[index + 1 : index + 2]))
    return letter in BLANK or unicodedata.category(letter) in HIDDEN


def _joins(neighbour: str) -> bool:
    return neighbour > "\x7f" and neighbour not in JOINERS and not neighbour.isspace()
