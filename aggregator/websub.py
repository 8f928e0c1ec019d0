"""Telling hubs which feeds have changed (WebSub, section 6; the request is that of PubSubHubbub 0.3, section 7.1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aggregator.errors import HubFailed
from aggregator.text.plain import brief

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    import httpx

AT_ONCE = 50  # topics in a request
MOST_FAILURES = 30  # in a row: about a day; then what the hub hasn't been told is dropped
LONGEST_WAIT = 3600.0  # seconds, whatever the hub asks for

_FIRST_WAIT = 30.0  # seconds
_READ = 4096  # bytes of an answer
_SHOWN = 200  # characters of it
_LATER = frozenset({408, 429})  # what passes, unlike the other statuses below 500


def ping(hub: str, topics: Sequence[str], timeout: float) -> None:
    """Tell a hub that the feeds with these URLs have changed, over one connection where it lets us.

    After `timeout` seconds it is over, however far it got. No redirect is followed: most turn a POST into a GET, and
    the others are better written into the configuration than gone through every time. Proxies are those of the
    environment, as httpx reads it. Raises HubFailed where the hub couldn't be told, or didn't take it.
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        advice = "`make install` brings it, and so does `pip install '.[websub]'` in the program's own folder"
        message = f"{hub}: no hub can be told without httpx; {advice}"
        raise HubFailed(message, later=False) from error
    try:
        _run(_Ping(hub, topics, timeout).tell())
    except OSError as error:  # no descriptors left, no file of certificates
        raise HubFailed(f"{hub}: it can't be asked: {error}", later=True) from error
    except (httpx.InvalidURL, ValueError, ImportError) as error:  # a URL or proxy of a kind that httpx doesn't know
        raise HubFailed(f"{hub}: it can't be asked: {error}", later=False) from error


def backoff(failures: int) -> float:
    """The seconds from the last of so many failures in a row, at least 1, to the next try.

    Where `HubFailed.wait` asks for more, that counts.
    """
    return min(_FIRST_WAIT * 2.0 ** min(failures - 1, 30), LONGEST_WAIT)


def _run(work: Coroutine[None, None, None]) -> None:
    """As asyncio.run, which waits for a name to be looked up as long as the resolver likes to, time-out or not."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Ping:
    """What is told to one hub, and how much of it has been."""

    def __init__(self, hub: str, topics: Sequence[str], timeout: float) -> None:
        self.hub = hub
        self.topics = topics
        self.timeout = timeout
        self.told = 0

    async def tell(self) -> None:
        import httpx

        headers = {"User-Agent": "aggregator", "Accept-Encoding": "identity"}
        try:
            # httpx's own time-outs are for each read: who sends a byte now and then never meets them.
            async with (
                asyncio.timeout(self.timeout),
                httpx.AsyncClient(timeout=self.timeout, headers=headers) as client,
            ):
                while some := self.topics[self.told : self.told + AT_ONCE]:
                    await self._tell(client, some)
        except (TimeoutError, httpx.HTTPError) as error:
            if self.told == len(self.topics):
                return  # only the end of what it had to say is missing
            is_late = isinstance(error, TimeoutError | httpx.TimeoutException)
            why = f"no answer within {self.timeout:g} s" if is_late else str(error) or type(error).__name__
            raise self._failed(why, later=True) from error

    async def _tell(self, client: httpx.AsyncClient, topics: Sequence[str]) -> None:
        form = {"hub.mode": "publish", "hub.url": list(topics)}
        async with client.stream("POST", self.hub, data=form) as answer:
            if answer.is_success:
                self.told += len(topics)
            said = await _beginning(answer)  # to the end, so that the connection can be used again
        if answer.is_success:
            return
        why = f"{answer.status_code} {brief(answer.reason_phrase, _SHOWN)}".strip()
        if answer.has_redirect_location:
            why += f", it has moved to {brief(answer.headers['Location'], _SHOWN)}; write that into `websub.hubs`"
        elif said:
            why += f": {said}"
        later = answer.status_code in _LATER or answer.is_server_error
        raise self._failed(why, later=later, wait=_wait(answer.headers))

    def _failed(self, why: str, *, later: bool, wait: float | None = None) -> HubFailed:
        return HubFailed(f"{self.hub}: {why}", later=later, wait=wait, told=self.told)


async def _beginning(answer: httpx.Response) -> str:
    """The first of what a hub says, on one line."""
    data = b""
    async for some in answer.aiter_raw(_READ):
        data += some
        if len(data) >= _READ:
            break
    return brief(data.decode("utf-8", "replace"), _SHOWN)


def _wait(headers: httpx.Headers) -> float | None:
    """The seconds that a hub asks to wait (RFC 9110, section 10.2.3), by its own clock where it names an instant."""
    from email.utils import parsedate_to_datetime

    wanted = headers.get("Retry-After", "").strip()
    try:
        if wanted.isdecimal():
            seconds = float(wanted)
        else:
            seconds = (parsedate_to_datetime(wanted) - parsedate_to_datetime(headers["Date"])).total_seconds()
    except (ValueError, TypeError, KeyError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
