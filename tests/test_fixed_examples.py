"""What Hypothesis tries in `make test` is the same every time and everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = ("tests/test_text_slugs.py", "tests/test_merge.py")
ROOT = Path(__file__).parents[1]


def tried(seed: int, *arguments: str) -> list[str]:
    """All examples of some tests, sorted, in a run of their own: their order and the hashes follow from `seed`."""
    options = ("-qs", "-p", "no:cacheprovider", f"--randomly-seed={seed}", "--hypothesis-verbosity=verbose")
    environ = {name: value for name, value in os.environ.items() if name not in ("CI", "HYPOTHESIS_PROFILE")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments, *TESTS],
        cwd=ROOT,
        env=environ | {"PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(re.findall(r"(?:Test case|Trying example): .*?^\)", done.stdout, re.MULTILINE | re.DOTALL))


def test_examples_are_the_same_in_any_order_and_whatever_is_loaded() -> None:
    """With other modules of ours loaded already, as by other tests, and in another order."""
    examples = tried(1)
    assert len(examples) > 200
    assert examples == tried(2, "-p", "aggregator.daemon", "-p", "benchmarks.corpus")
