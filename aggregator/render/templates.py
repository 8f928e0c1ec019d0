"""The pages' templates, and what they say in figures: days, and how many entries there were on each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aggregator.text.dates import local

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import Environment

    from aggregator.model import Shown

FOLDER = Path(__file__).with_name("pages")

# Nothing but our own script and style sheet, pictures, and players when they are asked to play.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data: http: https:; frame-src http: https:;"
    " base-uri 'none'; form-action 'none'"
)
# In the page, so that browsers don't ask for one that isn't there.
_ICON = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><rect width='8' height='8' rx='1.5' fill='#b4451f'/>"
    "<path d='M2 6h0M2 4a2 2 0 0 1 2 2M2 2a4 4 0 0 1 4 4' fill='none' stroke='#fff' stroke-linecap='round'/></svg>",
    safe="/:='",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in no locale
_HEIGHT = 24  # of the picture, and of the tallest bar in it


def rendered(template: str, timezone: str, **values: Any) -> str:
    """What a template makes of these values; its days are those of the time zone."""
    return _environment(timezone).get_template(template).render(values)


@cache
def _environment(timezone: str) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a site without pages has no use for it

    zone = ZoneInfo(timezone)

    def day(instant: datetime) -> str:
        return local(instant, zone).date().isoformat()

    def words(instant: datetime) -> str:
        found = local(instant, zone)
        return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"

    def told(shown: Shown) -> str:
        until = f" to {words(shown.newest)}" if shown.newest else ""
        return f"{sum(shown.days)} in the {len(shown.days)} days{until}"

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.filters.update(day=day, words=words, told=told, bars=_bars)
    environment.globals.update(policy=_POLICY, icon=_ICON)
    return environment


def _bars(shown: Shown) -> str:
    """The path of a sparkline: a stroke upwards for each day that has entries, 4 wide."""
    most = max(shown.days)
    heights = [max(2 * (count > 0), round(_HEIGHT * count / most)) for count in shown.days]
    return "".join(f"M{4 * place + 2} {_HEIGHT}v-{height}" for place, height in enumerate(heights) if height)
