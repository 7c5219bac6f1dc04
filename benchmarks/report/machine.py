"""Says on what was measured, without naming the machine."""

import os
import platform
from pathlib import Path

from benchmarks.disk import file_system


def describe_machine(place: Path) -> str:
    """Name what counts of it, and the file system of the folder with the logs."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release().partition('-')[0]},"
        f" Python {platform.python_version()}, logs on {file_system(place)}"
    )
