"""Whether a study was registered before its first run, and is the one that was registered."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.core.spec import flatten
from harness.reporting.checks.badge import Badge, not_checked
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count
from harness.staging.previous_specs import MUTABLE_FIELDS

__all__ = ["registered", "registration_departures", "repeats", "utc", "words_changed"]

NAMED = 3
MADE_WITH = frozenset({"code_sha256", "commit", "harness", "python", "torch"})  # and not what is going to be done


def registered(data: StudyData) -> Badge:
    """Check that the study was registered before its first launch, and that nothing was changed since."""
    name = "registered"
    registration = data.ledger.registration if data.ledger else None
    if registration is None:
        return not_checked(name, "Not registered: nothing says that its plan was fixed before data were seen.")
    departures = registration_departures(data, registration.content)
    if departures:
        return Badge(name, "FAIL", f"It is not the study that was registered: {'; '.join(departures)}.")
    if not registration.came_first:
        return Badge(name, "FAIL", "It was registered after its first launch.")
    launched = "" if registration.first_launch is None else f", and first launched {utc(registration.first_launch)}"
    return Badge(name, "PASS", f"Registered before the first run: {utc(registration.at)}{launched}, by the ledger.")


def registration_departures(data: StudyData, content: Mapping[str, Any]) -> list[str]:
    """Say in what a report's study is not the one that was registered.

    More configurations or seeds than were registered are one, too: whoever goes on after a look at the verdict finds
    differences that are not there more often than intervals say.
    """
    try:
        then, now = (_fixed(spec) for spec in (content["spec"], data.study.spec))
        sizes = {"configuration": int(content["trials"]), "seed": int(content["seeds"])}
    except (KeyError, TypeError, ValueError, AttributeError):
        return ["the registration cannot be read"]
    # Fields that only the newer spec has came with a later version, at their defaults.
    apart = [name for name in then if then[name] != now.get(name)]
    lines = [f"{name} was registered as {then[name]!r} and is {now.get(name)!r}" for name in apart[:NAMED]]
    lines += [f"{len(apart) - NAMED} more fields differ"] if len(apart) > NAMED else []
    found = {"configuration": data.study.trials, "seed": data.study.seeds}
    return lines + [
        f"{count(planned, noun)} {'was' if planned == 1 else 'were'} registered, and there are {found[noun]:,}"
        for noun, planned in sizes.items()
        if found[noun] != planned
    ]


def words_changed(data: StudyData, content: object) -> list[str]:
    """Say which words that may change, such as the title, are not those that were registered."""
    spec = content.get("spec") if isinstance(content, Mapping) else None
    then = spec if isinstance(spec, Mapping) else {}
    return [
        f"the {name} was registered as {then[name]!r} and is {data.study.spec.get(name)!r}"
        for name in ("title", "question")
        if name in then and then[name] != data.study.spec.get(name)
    ]


def repeats(later: Mapping[str, Any], earlier: object) -> bool:
    """Return whether two registrations plan the same, whatever they were made with, and in whichever home."""
    if not isinstance(earlier, Mapping):
        return False
    plans = [{name: value for name, value in one.items() if name not in MADE_WITH} for one in (later, earlier)]
    return plans[0] == plans[1]


def _fixed(spec: Mapping[str, Any]) -> dict[str, Any]:
    return flatten({name: value for name, value in dict(spec).items() if name not in MUTABLE_FIELDS})


def utc(seconds: float) -> str:
    """Write a time in seconds since 1970.

    >>> utc(0.0)
    '1970-01-01 00:00:00 UTC'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
