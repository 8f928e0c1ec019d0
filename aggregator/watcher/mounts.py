"""File systems that change without telling: inotify hears only of what is done through this machine's kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Network and cluster file systems, and folders that a virtual machine shares with its host.
SILENT = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "fuse"),
        *("ceph", "lustre", "gpfs", "glusterfs", "beegfs", "orangefs", "pvfs2", "gfs2", "ocfs2"),
        *("9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs"),
    }
)


def silent(mountinfo: str, path: str) -> str | None:
    """The type of a file system that tells of no changes, and holds a folder or something below it; None: none does.

    `mountinfo`: the text of /proc/self/mountinfo (proc_pid_mountinfo(5)); `path`: the folder's real path.
    """
    types = dict(_mounts(mountinfo))  # of several on one mount point the last one counts: it covers the others
    below = [point for point in types if _holds(path, point)]
    above = [point for point in types if _holds(point, path)]
    for point in (max(above, key=len, default=""), *sorted(below)):
        kind = types.get(point, "")
        if kind in SILENT or kind.startswith("fuse."):
            return kind
    return None


def _mounts(mountinfo: str) -> Iterable[tuple[str, str]]:
    for line in mountinfo.splitlines():
        where, _, what = line.partition(" - ")
        fields, kinds = where.split(" "), what.split(" ")
        if len(fields) > 4 and kinds[0]:
            yield re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4]), kinds[0]


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
