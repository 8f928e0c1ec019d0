"""What all tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from tests.programs import needs_root
from tests.site import Site
from tests.world import World

# `make test` gives the same answer every time and everywhere: its examples are fixed, and none is kept.
settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    print_blob=True,
)
# `make crash` tries new ones each time.
settings.register_profile(
    "long", settings.get_profile("default"), max_examples=200, stateful_step_count=50, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis also draws the constants of whatever code of ours is loaded by then: that follows the order of tests,
    and where the clone is. Fixed examples do without them.
    """
    if settings.default and settings.default.derandomize:
        patch = pytest.MonkeyPatch()
        patch.setattr("hypothesis.internal.conjecture.providers.is_local_module_file", lambda _: False)
        config.add_cleanup(patch.undo)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world."""
    return World(tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with one document."""
    site = Site(tmp_path / "site")
    site.document("a")
    return site


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with one document, which is published; not to be touched."""
    site = Site(tmp_path_factory.mktemp("model"))
    site.document("a")
    assert site.run().status == 0
    return site


@pytest.fixture
def published(model: Site, tmp_path: Path) -> Site:
    """A copy of the model."""
    site = Site(tmp_path / "published")
    shutil.copytree(model.root, site.root, dirs_exist_ok=True)
    return site


@pytest.fixture
def public_site() -> Iterator[Site]:
    """A site with one document, in a folder that everybody can reach."""
    needs_root()
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        public = Site(Path(folder))
        public.document("a")
        yield public
