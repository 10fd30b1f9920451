"""Days as the reader's own calendar has them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

DASH = "\N{EN DASH}"


def zone() -> ZoneInfo:
    """The time zone of the reader's browser, or UTC."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def day(moment: datetime | None) -> str:
    """The day of `moment`, or a dash for none."""
    return moment.astimezone(zone()).strftime("%d %b %Y") if moment else DASH


def minute(moment: datetime | None) -> str:
    """The day and minute of `moment`, or a dash for none."""
    return moment.astimezone(zone()).strftime("%d %b %Y, %H:%M") if moment else DASH


def begin_of(chosen: date | None) -> datetime | None:
    """The first moment of a day that the reader chose."""
    return datetime.combine(chosen, time.min, zone()).astimezone(UTC) if chosen else None


def end_of(chosen: date | None) -> datetime | None:
    """The last moment of a day that the reader chose."""
    return datetime.combine(chosen, time.max, zone()).astimezone(UTC) if chosen else None


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """How long ago, in the largest unit that fits; a dash for never."""
    if moment is None:
        return DASH
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"
