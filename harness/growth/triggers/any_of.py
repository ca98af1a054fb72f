"""Growth when any of several triggers fires."""

from typing import Annotated, Literal, cast

from pydantic import Field, JsonValue

from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["AnyOf"]


class AnyOf(AbstractTrigger):
    """Fire whenever one of `triggers` fires."""

    kind: Literal["any_of"] = "any_of"
    triggers: Annotated[tuple[AbstractTrigger, ...], Field(min_length=1)]

    def begin(self) -> JsonValue:
        """Return the memories of all."""
        return [trigger.begin() for trigger in self.triggers]

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Show `progress` to every one, also after one has fired."""
        pairs = zip(self.triggers, cast("list[JsonValue]", memory), strict=True)
        results = [trigger.observe(own, progress) for trigger, own in pairs]
        return [own for own, _ in results], any(fires for _, fires in results)
