"""What is wrong with one document, gathered while it is read."""

from __future__ import annotations

from aggregator.documents.options import Options
from aggregator.errors import ParseError
from aggregator.model import Problem, Severity
from aggregator.text.dates import zone_named

MOST = 100  # warnings told of one document; of one that has more, the rest tells nothing new


class Notes:
    """The problems of the document at `path`, while it is read as `options` say.

    The relative addresses of articles are joined to `site`; those of what is seen of an article, its body, pictures
    and player, to `base`. "" stands for nothing. Where either is below `root`, paths from the root are too. `zone`:
    whose times and days those are that name none. `inner`: the path inside the source.
    """

    def __init__(self, path: str, options: Options) -> None:
        self.path = path
        self.inner = path.removeprefix(f"{options.within}/")
        self.options = options
        self.site = self.base = options.base_url.removesuffix("*")
        self.root = self.site if options.base_url.endswith("*") else ""
        self.zone = zone_named(options.timezone)
        self.failed = False
        self._found: list[Problem] = []
        self._untold = 0

    def about(self, link: str) -> None:
        """Read on about the article at this address ("": it has none)."""
        self.base = link or self.site

    def error(self, error: ParseError) -> None:
        """Note what holds the document back."""
        self.failed = True
        self._note(error, Severity.error)

    def warning(self, error: ParseError) -> None:
        """Note what was dropped."""
        if len(self._found) < MOST:
            self._note(error, Severity.warning)
        else:
            self._untold += 1

    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order of the file."""
        if self._untold:
            self._note(ParseError(f"{self._untold} more warnings", 0, 0), Severity.warning)
            self._untold = 0
        return tuple(sorted(self._found, key=lambda problem: (problem.line, problem.column)))

    def _note(self, error: ParseError, severity: Severity) -> None:
        self._found.append(Problem(self.path, error.line, error.column, severity, error.message))
