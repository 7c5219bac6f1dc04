"""The rules of who may import whom, and what breaks them: every import counts, also one inside a function."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[1]

# What each package may import of ours, beside itself: a package, or one module of it.
MAY_IMPORT = {
    "clients": (),
    "eventlog": (),
    "handlers": ("eventlog", "clients"),
    "workers": ("eventlog", "handlers", "clients"),
    "receiver": ("eventlog", "workers.queue"),
    "sandbox": ("eventlog.event", "receiver.signature"),
    "hooks_testkit": ("eventlog", "handlers", "workers", "receiver", "clients", "sandbox"),
    "console": ("clients", "eventlog", "handlers", "receiver", "sandbox", "workers"),
}

# Libraries that shape code around them stay where they belong.
ONLY_IN = {
    "flask": ("receiver", "console", "sandbox"),
    "werkzeug": ("receiver", "console", "sandbox"),
    "rq": ("workers",),
    "redis": ("workers",),
    "sqlalchemy": ("eventlog",),
    "alembic": ("eventlog",),
}

# User code must not slow or break the public door, so not even a detour may lead there.
NEVER_REACHED = "handlers"
FROM_THE_DOOR = ("receiver", "workers.queue")

READS_OF_THE_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    module: str
    path: PurePath
    text: str

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    name: str  # with what is taken from the module: `from a.b import c` is a.b.c
    line: int


def our_sources() -> list[Source]:
    return [
        source_at(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
        for package in MAY_IMPORT
        for path in sorted((ROOT / package).rglob("*.py"))
        # What users put there is theirs, and may import what it likes.
        if (ROOT / "handlers" / "custom") not in path.parents
    ]


def source_at(path: PurePath, text: str) -> Source:
    parts = path.with_suffix("").parts
    return Source(module=".".join(parts[:-1] if parts[-1] == "__init__" else parts), path=path, text=text)


def imports_of(source: Source) -> Iterator[Import]:
    for node in ast.walk(ast.parse(source.text)):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                module = ".".join(filter(None, [relative_root(source, node.level), node.module]))
                names = [f"{module}.{alias.name}" for alias in node.names]
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                names = [name]
            case _:
                continue
        yield from (Import(name=name, line=node.lineno) for name in names)


def relative_root(source: Source, level: int) -> str:
    if level == 0:
        return ""
    parts = source.module.split(".")
    return ".".join(parts[: len(parts) - level + (source.path.name == "__init__.py")])


def lies_in(name: str, *places: str) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def forbidden_imports(source: Source) -> list[str]:
    return [
        f"{source.path}:{found.line}: {source.package} must not import {found.name}"
        for found in imports_of(source)
        if lies_in(found.name, *MAY_IMPORT)
        and not lies_in(found.name, source.package, *MAY_IMPORT[source.package])
    ]


def misplaced_libraries(source: Source) -> list[str]:
    return [
        f"{source.path}:{found.line}: {library} belongs in {', '.join(places)}"
        for found in imports_of(source)
        for library, places in ONLY_IN.items()
        if lies_in(found.name, library) and source.package not in places
    ]


def reads_of_the_environment(source: Source) -> list[str]:
    if source.path.name == "settings.py":
        return []
    imported = [
        found.line
        for found in imports_of(source)
        if found.name in {f"os.{name}" for name in READS_OF_THE_ENVIRONMENT}
    ]
    used = [
        node.lineno
        for node in ast.walk(ast.parse(source.text))
        if isinstance(node, ast.Attribute)
        and node.attr in READS_OF_THE_ENVIRONMENT
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    return [f"{source.path}:{line}: the environment is read in settings.py only" for line in imported + used]


def detours(sources: list[Source]) -> list[str]:
    """Return the ways by which the door's modules would have user code loaded, through any of our modules."""
    by_module = {source.module: source for source in sources}
    ways: list[tuple[str, ...]] = [
        (module,) for module in sorted(by_module) if lies_in(module, *FROM_THE_DOOR)
    ]
    seen = {way[-1] for way in ways}
    found = []
    while ways:
        way = ways.pop()
        for loaded in modules_loaded_by(by_module[way[-1]], by_module):
            if lies_in(loaded, NEVER_REACHED):
                found.append(" -> ".join([*way, loaded]))
            elif loaded not in seen:
                seen.add(loaded)
                ways.append((*way, loaded))
    return found


def modules_loaded_by(source: Source, by_module: dict[str, Source]) -> set[str]:
    # Importing a.b.c runs a, a.b and a.b.c; and whoever is loaded has had its own packages loaded before.
    names = [source.module, *(found.name for found in imports_of(source))]
    return {
        module
        for name in names
        for depth in range(1, len(name.split(".")) + 1)
        if (module := ".".join(name.split(".")[:depth])) in by_module
    } - {source.module}
