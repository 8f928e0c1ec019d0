"""What is in the source folders: events as hints, and the stat walk, which is the truth about what changed."""

from aggregator.watcher.events import Health, Poll, Watcher
from aggregator.watcher.walk import Barred, Found, Look, Other, walk
from aggregator.watcher.window import Window

__all__ = ["Barred", "Found", "Health", "Look", "Other", "Poll", "Watcher", "Window", "walk"]
