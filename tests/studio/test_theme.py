"""The colours: readable everywhere, and the same in the table, in the settings and in the charts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from studio.ui.theme import PALETTES, RUN_COLOURS, contrast

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())
GROUNDS = ("page", "panel")
TEXTS = ("text", "quiet", "accent", "good", "warning", "bad")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in GROUNDS),
    *((tone, f"{tone}_ground") for tone in ("good", "warning", "bad", "accent")),
    *(("text", f"{tone}_ground") for tone in ("good", "warning", "bad", "accent")),
    *((text, ground) for text in ("sidebar_text", "sidebar_quiet", "sidebar_accent")
      for ground in ("sidebar", "sidebar_field")),
]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_every_text_is_readable_on_every_ground(theme: str, text: str, ground: str) -> None:
    palette = PALETTES[theme]
    assert contrast(getattr(palette, text), getattr(palette, ground)) >= 4.5


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("colour", RUN_COLOURS)
def test_every_run_colour_stands_out_from_the_page(theme: str, colour: str) -> None:
    """Curves and dots are graphics; each has its name beside it, so less than the 4.5 of text will do."""
    assert contrast(colour, PALETTES[theme].page) >= 2.2


@pytest.mark.parametrize("theme", PALETTES)
def test_the_settings_hold_the_table_of_colours(theme: str) -> None:
    palette, written = PALETTES[theme], CONFIG["theme"][theme]
    assert {key: written[key] for key in (
        "primaryColor", "backgroundColor", "secondaryBackgroundColor", "textColor", "borderColor",
        "greenTextColor", "yellowTextColor", "redTextColor", "grayTextColor",
    )} == {
        "primaryColor": palette.accent, "backgroundColor": palette.page, "secondaryBackgroundColor": palette.panel,
        "textColor": palette.text, "borderColor": palette.line, "greenTextColor": palette.good,
        "yellowTextColor": palette.warning, "redTextColor": palette.bad, "grayTextColor": palette.quiet,
    }
    assert written["chartCategoricalColors"] == list(RUN_COLOURS)
    assert written["sidebar"]["backgroundColor"] == palette.sidebar
    assert written["sidebar"]["textColor"] == palette.sidebar_text


def test_colours_stand_under_light_and_dark_only() -> None:
    """Directly under [theme] they would hit both."""
    assert not [key for key in CONFIG["theme"] if key.endswith(("Color", "Colors"))]


@pytest.mark.parametrize(("section", "key", "value"), [
    ("runner", "postScriptGC", False), ("server", "fileWatcherType", "none"), ("server", "enableXsrfProtection", True),
    ("server", "enableAgentApi", False), ("server", "port", 3000), ("client", "showErrorDetails", "none"),
    ("client", "toolbarMode", "viewer"), ("browser", "gatherUsageStats", False),
])
def test_streamlit_runs_as_in_production(section: str, key: str, value: object) -> None:
    assert CONFIG[section][key] == value
