"""What kind of file a URL names, as far as its ending tells: nothing is fetched to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.model import Action, Article

# Media types as registered with IANA, or in use for as long as the files have been.
_IMAGES = {
    "avif": "image/avif",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
_FILES = {
    "aac": "audio/aac",
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gz": "application/gzip",
    "ics": "text/calendar",
    "ipynb": "application/x-ipynb+json",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "wav": "audio/wav",
    "webm": "video/webm",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def image_type(url: str) -> str:
    """The media type of a picture; "" where it isn't known."""
    return _IMAGES.get(_ending(url), "")


def enclosures(article: Article) -> list[tuple[Action, str]]:
    """The article's downloads and media, one for each URL, with their media types; none whose type isn't known."""
    actions: dict[str, Action] = {}
    for action in article.actions:
        actions.setdefault(action.url, action)
    typed = [(action, _FILES.get(_ending(url), "")) for url, action in actions.items()]
    return [(action, kind) for action, kind in typed if kind]


def _ending(url: str) -> str:
    path = url.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")[2]
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""
