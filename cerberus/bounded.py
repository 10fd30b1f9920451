"""A cache that cannot grow without end."""

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Bounded(dict[Key, Value]):
    """
    A dictionary for what can be had again: full, it forgets everything to make room for one thing more.

    Reading it costs what reading a dictionary costs. Only items that are set one by one are counted.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        if len(self) >= self._most and key not in self:
            self.clear()
        super().__setitem__(key, value)
