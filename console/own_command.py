"""What to type in this folder for a program that was installed beside `hooks`."""

import shutil
import sys
from pathlib import Path


def own_command(name: str = "hooks") -> str:
    """Give the shortest command that runs the program of that name from where `hooks` was run."""
    own = Path(sys.argv[0])
    program = own.with_name(name)
    on_path = shutil.which(name)
    is_on_path = on_path is not None and program.exists() and Path(on_path).samefile(program)
    if own.name != "hooks" or is_on_path:
        return name
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)
