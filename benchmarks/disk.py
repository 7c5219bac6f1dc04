"""Where the logs lie: commits are measured as durable, so that has to be a disk."""

from pathlib import Path
from typing import Final

import psutil

_IN_MEMORY: Final = {"tmpfs", "ramfs"}


def file_system(folder: Path) -> str:
    """Name the kind of file system that holds the folder."""
    mounts = psutil.disk_partitions(all=True)
    # The last of several on one place hides those before it.
    holding = [each for each in reversed(mounts) if folder.resolve().is_relative_to(each.mountpoint)]
    return max(holding, key=lambda each: len(each.mountpoint)).fstype


def require_disk(folder: Path) -> None:
    """End with one line unless what is written to the folder outlives the machine's memory."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is no folder: the logs can't be made there")
    kind = file_system(folder)
    if kind in _IN_MEMORY:
        raise SystemExit(
            f"{folder} lies in memory ({kind}), where no commit waits for a disk: give one by --folder"
        )
