"""Whether a folder's file system tells of changes."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from aggregator.watcher import Poll
from aggregator.watcher.mounts import silent
from tests.ears import listening, polling_fast
from tests.programs import missing, needs_root

quick = pytest.fixture(autouse=True)(polling_fast)

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:5 / /proc rw,nosuid - proc proc rw
30 22 0:40 / /srv/nfs rw,relatime shared:7 master:3 - nfs4 files.example:/export rw,vers=4.2
31 30 254:1 / /srv/nfs/local rw - xfs /dev/vdb rw
32 22 0:41 / /srv/with\040space rw - cifs //files.example/share rw
33 22 0:42 / /srv/over rw - nfs files.example:/over rw
34 33 254:2 / /srv/over rw - btrfs /dev/vdc rw
35 22 0:43 / /srv/remote rw - fuse.sshfs editor@example: rw
36 22 0:44 / /srv/stick rw - fuseblk /dev/sdb1 rw
37 22 0:45 / /srv/host rw - 9p host rw
38 22 0:46 / /srv/site/articles/shared rw - vboxsf shared rw
a line that nobody expected
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/articles", None),
        ("/srv/nfs", "nfs4"),
        ("/srv/nfs/deep/articles", "nfs4"),
        ("/srv/nfsarticles", None),
        ("/srv/nfs/local/articles", None),
        ("/srv/with space/articles", "cifs"),
        ("/srv/over/articles", None),
        ("/srv/remote", "fuse.sshfs"),
        ("/srv/stick", None),
        ("/srv/host/articles", "9p"),
        ("/srv/site/articles", "vboxsf"),
        ("/srv/site/articles/shared/news", "vboxsf"),
        ("/srv/site/news", None),
    ],
)
def test_the_mount_that_holds_a_folder_tells_its_type(path: str, kind: str | None) -> None:
    """The nearest mount above counts, the last one where several are on one point, and any below the folder."""
    assert silent(MOUNTS, path) == kind


def test_nothing_known_of_mounts_is_no_reason_to_poll() -> None:
    """Where /proc can't be read, the kernel is trusted to tell."""
    assert silent("", "/srv/articles") is None


def test_a_folder_that_tells_of_no_changes_is_polled_unless_forbidden(tmp_path: Path) -> None:
    """Which is found out by itself, and told; other folders are not polled for it."""
    needs_root()
    shared, local = tmp_path / "shared", tmp_path / "local"
    (shared / ".mounted").mkdir(parents=True)
    local.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)  # it never answers: nobody asks, as the folder is hidden
    except OSError as error:
        missing(f"no file system can be mounted here: {error}")
    try:
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
        if libc.mount(b"test", os.fsencode(shared / ".mounted"), b"fuse", 0, options):
            missing(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}")
        why = f"{shared} is on fuse, which doesn't tell of changes"
        with listening(shared, local, poll=Poll.auto) as ears:
            health = ears.watcher.health
            assert (health.mode, health.why, health.folders, health.healthy) == ("mixed", why, 1, True)
            (shared / "a.md").touch()
            (local / "a.md").touch()
            assert ears.hears(shared / "a.md", local / "a.md")
        with listening(shared, poll=Poll.auto) as ears:
            assert ears.watcher.health.mode == "polling"
        with listening(shared, local, poll=Poll.no) as ears:
            assert (ears.watcher.health.mode, ears.watcher.health.why) == ("inotify", "")
        with listening(local, poll=Poll.auto) as ears:
            assert (ears.watcher.health.mode, ears.watcher.health.why) == ("inotify", "")
    finally:
        libc.umount2(os.fsencode(shared / ".mounted"), 2)
        os.close(device)
