"""The colours of the Studio, once: the same table stands in `.streamlit/config.toml` and in the charts' template."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme. Every text colour is readable (AA) on every ground that it is put on."""

    page: str
    panel: str
    line: str
    text: str
    quiet: str
    accent: str
    good: str
    warning: str
    bad: str
    good_ground: str
    warning_ground: str
    bad_ground: str
    accent_ground: str
    sidebar: str
    sidebar_field: str
    sidebar_text: str
    sidebar_quiet: str
    sidebar_accent: str


LIGHT = Palette(
    page="#FFFFFF",
    panel="#F6F8FB",
    line="#DDE3EA",
    text="#16202E",
    quiet="#556274",
    accent="#1F5FD0",
    good="#1B7F4B",
    warning="#9A6700",
    bad="#C2312B",
    good_ground="#EEF8F2",
    warning_ground="#FFF8E6",
    bad_ground="#FDF0EF",
    accent_ground="#EEF4FD",
    sidebar="#14213A",
    sidebar_field="#1E2F50",
    sidebar_text="#DCE6F5",
    sidebar_quiet="#A9B8D0",
    sidebar_accent="#7FB0FF",
)
DARK = Palette(
    page="#0E1420",
    panel="#161E2C",
    line="#2A3548",
    text="#E7ECF3",
    quiet="#9AA7B8",
    accent="#7FB0FF",
    good="#5CC98F",
    warning="#E3B341",
    bad="#FF8A80",
    good_ground="#12271F",
    warning_ground="#292313",
    bad_ground="#2D1B1E",
    accent_ground="#15233A",
    sidebar="#0A0F18",
    sidebar_field="#161E2C",
    sidebar_text="#DCE6F5",
    sidebar_quiet="#9AA7B8",
    sidebar_accent="#7FB0FF",
)
PALETTES = {"light": LIGHT, "dark": DARK}

# Told apart with any colour vision; a ninth run starts again with dashes.
RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C6D31")

# Streamlit fetches a Material icon for the tab from a host of its own; this one comes with the page.
TAB_ICON = "data:image/svg+xml;base64," + b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#1F5FD0"/>'
    b'<path d="M6 23l7-8 5 4 8-11" fill="none" stroke="#FFF" stroke-width="3" stroke-linecap="round" '
    b'stroke-linejoin="round"/></svg>'
).decode()

# What the theme options of Streamlit cannot say. Selectors are Streamlit's own test ids.
STYLE = """<style>
[data-testid="stMetricValue"], [data-testid="stDataFrame"], [data-testid="stTable"] {
  font-variant-numeric: tabular-nums;
}
[data-testid="stCaptionContainer"] p { color: inherit; }
[data-testid="stCaptionContainer"] { opacity: 0.75; }
[data-testid="stMainBlockContainer"] { padding-top: 4.5rem; padding-bottom: 4rem; max-width: 1440px; }
[data-testid="stSidebarHeader"] { padding-bottom: 0; }
[data-testid="stSidebar"] hr { margin: 0.5rem 0; }
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primaryFormSubmit"],
[data-testid="stMultiSelect"] [data-tag] {
  color: light-dark(#FFFFFF, #0E1420);
}
@media (max-width: 640px) { [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; } }
</style>"""


def style(kind: str | None) -> str:
    """The style for a browser with the light or the dark theme; None while it has not said which."""
    # Dialogs stand outside the part of the page that Streamlit tells its scheme.
    return STYLE if kind is None else STYLE + f'<style>[data-testid="stDialog"] {{ color-scheme: {kind}; }}</style>'


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two `#RRGGBB` colours as WCAG defines it, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
