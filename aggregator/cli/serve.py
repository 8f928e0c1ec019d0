"""`aggregator serve`: a look at what was published, in a browser or a feed reader on this machine."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import click

from aggregator.cli.printing import say
from aggregator.cli.settings import config_option, load
from aggregator.errors import NotServed


@click.command()
@config_option
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
def serve(config_file: Path | None, port: int) -> None:
    """Show the published feeds and pages on this machine alone, until Ctrl-C."""
    from aggregator import preview, publish, render

    config = load(config_file)
    root = config.output.path
    if not root.is_dir():
        raise NotServed(f"{root}: nothing is published yet; `aggregator regenerate` does it")

    top = unquote(urlsplit(config.site.url).path)
    folder = preview.Folder(top, partial(publish.read, root), render.MEDIA_TYPES)
    try:
        server = preview.server(folder, port, partial(say, err=True))
    except OSError as error:
        raise NotServed(f"port {port}: {error.strerror}; choose another with --port") from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server:
        where = f"http://{preview.ADDRESS}:{server.server_port}{quote(top)}"
        say(f"{root} is served at {where} until Ctrl-C; the addresses to subscribe to are {config.site.url}'s")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("", err=True)
