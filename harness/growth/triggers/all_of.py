"""Growth when every one of several triggers has fired."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from harness.core.spec import Spec
from harness.growth.triggers._base import AbstractTrigger, Progress

__all__ = ["AllOf"]


class _AllOfMemory(Spec):
    """What was seen since the last growth: which triggers have fired, and what each of them remembers."""

    fired: tuple[bool, ...]
    memories: tuple[JsonValue, ...]
    grown_at: int = 0


class AllOf(AbstractTrigger):
    """Fire at each step by which every one of `triggers` has fired, now or earlier since the last growth."""

    kind: Literal["all_of"] = "all_of"
    triggers: Annotated[tuple[AbstractTrigger, ...], Field(min_length=1)]

    def begin(self) -> JsonValue:
        """Return the memories of all, and that none has fired."""
        memories = tuple(trigger.begin() for trigger in self.triggers)
        return _AllOfMemory(fired=(False,) * len(self.triggers), memories=memories).to_json()

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        """Show `progress` to every one, also to those that have fired."""
        past = _AllOfMemory.model_validate(memory)
        pairs = zip(self.triggers, past.memories, strict=True)
        memories, now = zip(*(trigger.observe(own, progress) for trigger, own in pairs), strict=True)
        earlier = past.fired if past.grown_at == progress.grown_at else (False,) * len(now)
        fired = tuple(was or fires for was, fires in zip(earlier, now, strict=True))
        return _AllOfMemory(fired=fired, memories=memories, grown_at=progress.grown_at).to_json(), all(fired)
