"""Which pages may speak with the server: a browser sends what any page asks it to send, and hides but the answers."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gammapygpt.studio.server import LOCAL_PAGES, PAGES


class Door:
    """Refuses what another page than Studio's, or one of this machine, asks for; programs name no page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not welcome(dict(scope["headers"]).get(b"origin", b"").decode("latin-1")):
            await PlainTextResponse("This page may not speak with the server.", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def welcome(page: str) -> bool:
    """Whether requests from a page are served; empty for those that come from none."""
    return not page or page in PAGES or re.fullmatch(LOCAL_PAGES, page) is not None


app = Starlette(middleware=[Middleware(Door)])
"""The server puts its own routes behind it."""
