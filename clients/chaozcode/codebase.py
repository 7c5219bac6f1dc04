"""`client.codebase`: code, analysed and written ("Codebase Endpoints")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from clients.limits import check_choice, check_choices, check_object, check_objects, check_text, given
from clients.reply import Reply, named

from .undocumented import read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange

DEPTHS: Final = ("basic", "standard", "deep")
FOCUS_AREAS: Final = ("security", "performance", "style", "bugs")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSummary(Reply):
    """How large a codebase is."""

    total_files: int | None = None
    total_lines: int | None = None
    languages: Mapping[str, Any] | None = None
    """Percent of each language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis(Reply):
    """What an analysis found; the elements of `dependencies` and `suggestions` are not documented."""

    summary: CodeSummary | None = None
    structure: Mapping[str, Any] | None = None
    """How many there are of each kind, as "components" or "tests"."""
    dependencies: tuple[Any, ...] = ()
    suggestions: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedCode(Reply):
    """Code that was written; the reply is not documented, so that any field may be None."""

    code: str | None = None
    language: str | None = None
    explanation: str | None = None
    files: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReview(Reply):
    """What a review found; the reply is not documented, so that any field may be None or empty."""

    summary: str | None = None
    score: float | None = None
    issues: tuple[Any, ...] = ()
    suggestions: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFix(Reply):
    """A suggested fix; the reply is not documented, so that any field may be None or empty."""

    code: str | None = field(default=None, metadata=named("code", "fixedCode", "fix"))
    explanation: str | None = None
    suggestions: tuple[Any, ...] = ()


class Codebase:
    """`client.codebase`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def analyze(
        self, files: Sequence[Mapping[str, Any]], *, language: str | None = None, depth: str | None = None
    ) -> Analysis:
        """Analyse structure, dependencies and patterns: `POST /codebase/analyze`.

        Each of `files` has `path` and `content`; `language` is detected where it is not given; `depth` is
        basic, standard (ChaozCode's default) or deep.
        """
        check_objects("files", files, texts=("path", "content"), required=True)
        check_text("language", language, required=False)
        check_choice("depth", depth, DEPTHS)
        body = given(files=files, language=language, depth=depth)
        return Analysis.from_json(self._exchange.call("POST", ("codebase", "analyze"), body=body))

    def generate(
        self,
        task: str,
        *,
        context: Sequence[Mapping[str, Any]] | None = None,
        language: str | None = None,
        style: Mapping[str, Any] | None = None,
    ) -> GeneratedCode:
        """Write code: `POST /codebase/generate`.

        `context` are files that matter for it, as `analyze` takes them; `style` holds preferences.
        """
        check_text("task", task)
        check_objects("context", context, texts=("path", "content"))
        check_text("language", language, required=False)
        check_object("style", style)
        body = given(task=task, context=context, language=language, style=style)
        reply = self._exchange.call("POST", ("codebase", "generate"), body=body)
        return read_loosely(GeneratedCode, reply, "result")

    def review(
        self, code: str, *, language: str | None = None, focus: Sequence[str] | None = None
    ) -> CodeReview:
        """Review code: `POST /codebase/review`.

        `focus` names areas: security, performance, style, bugs.
        """
        check_text("code", code)
        check_text("language", language, required=False)
        check_choices("focus", focus, FOCUS_AREAS)
        body = given(code=code, language=language, focus=focus)
        reply = self._exchange.call("POST", ("codebase", "review"), body=body)
        return read_loosely(CodeReview, reply, "result")

    def fix(self, code: str, *, error: str | None = None, context: str | None = None) -> CodeFix:
        """Suggest a fix: `POST /codebase/fix`.

        `error` is what was reported or what goes wrong, `context` what else matters.
        """
        check_text("code", code)
        check_text("error", error, required=False)
        check_text("context", context, required=False)
        body = given(code=code, error=error, context=context)
        reply = self._exchange.call("POST", ("codebase", "fix"), body=body)
        return read_loosely(CodeFix, reply, "result")
