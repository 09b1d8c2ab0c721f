"""How the page looks: colours in the light and in the dark; the rest is in `page.css`."""

from __future__ import annotations

from pathlib import Path

LIGHT = {
    "primaryColor": "#1d5c87",
    "backgroundColor": "#fcfcfa",
    "secondaryBackgroundColor": "#f1f2ef",
    "textColor": "#1c2630",
    "borderColor": "#dfe2df",
    "linkColor": "#1d5c87",
    "codeBackgroundColor": "#f4f5f2",
    "sidebar.backgroundColor": "#f1f2ef",
    "sidebar.secondaryBackgroundColor": "#e6e8e4",
}
DARK = {
    "primaryColor": "#3f93cc",
    "backgroundColor": "#11171d",
    "secondaryBackgroundColor": "#1a222a",
    "textColor": "#e3e8ec",
    "borderColor": "#2c3741",
    "linkColor": "#78b4dc",
    "codeBackgroundColor": "#161e26",
    "sidebar.backgroundColor": "#0d1217",
    "sidebar.secondaryBackgroundColor": "#1a222a",
}
SHAPE = {"baseRadius": "0.5rem", "headingFontWeights": "600", "showWidgetBorder": "true", "baseFontSize": "16"}


def css() -> str:
    """The rules of `page.css`, ours alone, as Streamlit takes them."""
    return f"<style>{Path(__file__).with_name('page.css').read_text(encoding='utf-8')}</style>"


def theme_options() -> list[str]:
    """The theme as options of `streamlit run`; light or dark as the user's system is, or as the page's menu says."""
    told = {f"theme.{name}": value for name, value in SHAPE.items()}
    told |= {f"theme.light.{name}": value for name, value in LIGHT.items()}
    told |= {f"theme.dark.{name}": value for name, value in DARK.items()}
    return [f"--{name}={value}" for name, value in told.items()]
