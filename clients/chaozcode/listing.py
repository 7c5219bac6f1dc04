"""Lists, of which the API reference shows the shape for models alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from clients.errors import MalformedReply
from clients.reply import Reply, json_type

Item = TypeVar("Item", bound=Reply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Reply, Generic[Item]):
    """What a list call gave: iterate over it, index it, or take its `len`.

    `raw` is the whole reply, so that a page's or a total's figures can be had; for a reply that is a bare
    array it is an object with that array alone.
    """

    items: tuple[Item, ...] = ()

    @classmethod
    def of(cls, kind: type[Item], reply: object, plural: str, *, text_as: str | None = None) -> Self:
        """Read a bare array, or an object with an array under `plural` or with one array only.

        An element that is a text is taken for an object with that text under `text_as`; what else is no
        object is left out. Raises `MalformedReply` where the reply is neither array nor object.
        """
        if isinstance(reply, list):
            reply = {plural: reply}
        if not isinstance(reply, Mapping):
            raise MalformedReply(f"the reply should be a list of {plural}, but it is {json_type(reply)}")
        items = []
        for element in _find_array(reply, plural):
            each = {text_as: element} if text_as and isinstance(element, str) else element
            if isinstance(each, Mapping):
                items.append(kind.from_json(each))
        return cls(raw=reply, items=tuple(items))

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Item:
        return self.items[index]


def _find_array(reply: Mapping[str, Any], plural: str) -> Sequence[Any]:
    named = reply.get(plural)
    if isinstance(named, list):
        return named
    arrays = [value for value in reply.values() if isinstance(value, list)]
    if len(arrays) == 1:
        return arrays[0]
    wrapped = reply.get("data")
    return _find_array(wrapped, plural) if isinstance(wrapped, Mapping) else ()
