"""A disk of a few megabytes that a test can fill or make read-only; for a mount namespace of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SmallDisk:
    """A tmpfs at a folder, gone with the namespace."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        folder.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))

    def fill(self) -> None:
        """Leave not a byte free."""
        with (self.folder / "filling").open("wb", buffering=0) as file:
            for size in (64 * 1024, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def make_room(self) -> None:
        (self.folder / "filling").unlink()

    def set_read_only(self) -> None:
        """Make the folder read-only for every file that is opened from now on."""
        view = self.folder.with_name("read-only")
        view.mkdir(exist_ok=True)
        self._run("mount", "--bind", str(self.folder), str(view))
        self._run("mount", "-o", "remount,bind,ro", str(view))
        self._run("mount", "--bind", str(view), str(self.folder))
        self._run("umount", str(view))

    def set_writable(self) -> None:
        self._run("umount", "--lazy", str(self.folder))

    def close(self) -> None:
        self._run("umount", "--lazy", str(self.folder))

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@contextmanager
def small_disk(folder: Path, size: str = "8m") -> Iterator[SmallDisk]:
    made = SmallDisk(folder, size)
    try:
        yield made
    finally:
        made.close()
