"""Beginning a study: its record in the ledger, and the refusal of another study under the same name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import StudyChangedError
from harness.core.spec import flatten, with_changes
from harness.search.designs import Paired
from harness.search.study import Study
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.previous_specs import MUTABLE_FIELDS, save_previous_spec, spec_digest
from harness.staging.study_spec import StudySpec

__all__ = ["as_begun", "begin_study", "check_unchanged", "note_of_sizes"]


def begin_study(
    ledger: Ledger,
    study: Study,
    trials: int | None,
    seeds: int | None,
    *,
    file: Path | None = None,
    store: str = "",
) -> StudyRecord:
    """Record the study in the ledger, or find its record there and raise its numbers of trials and seeds.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    spec, path = StudySpec(study.to_json()), str(file.absolute()) if file else ""
    first = StudyRecord(study.name, spec, trials or study.trials, seeds or study.seeds, path, store)
    before = ledger.enter_study(first)  # two launches may begin it at the same moment
    check_unchanged(before.spec, spec)
    if (trials or 0) > before.trials or (seeds or 0) > before.seeds:
        _check_not_confirmed(study, before, ledger)
    record = replace(
        before,
        spec=spec,
        trials=max(before.trials, trials or 0),
        seeds=max(before.seeds, seeds or 0),
        file=path or before.file,
        store=store,
    )
    if spec_digest(spec) != spec_digest(before.spec):  # they mean the same, as was just checked
        save_previous_spec(ledger.database, study.name, before.spec)
    if record != before:
        ledger.save_study(record)
    return record


def as_begun(study: Study, record: StudyRecord | None) -> Study:
    """Return the study with the layout of seeds with which it was begun, if its file names none.

    A study that was begun before there was a choice has crossed seeds, and keeps them.
    """
    crossed = record is not None and not record.spec.design.confirms and record.spec.design.seeds == "crossed"
    if crossed and isinstance(study.design, Paired) and "seeds" not in study.design.model_fields_set:
        return with_changes(study, {"design": Paired(seeds="crossed")})
    return study


def note_of_sizes(study: Study, ledger: Ledger, trials: int | None, seeds: int | None) -> str:
    """Say that a study keeps numbers with which it was begun, though it names greater ones since; nothing otherwise."""
    begun = ledger.study(study.name) if ledger.exists else None
    if begun is None:
        return ""
    kept = [
        f"{before} {what} (--{what} {now} gives it more; in Python {what}={now})"
        for what, now, asked, before in (
            ("trials", study.trials, trials, begun.trials),
            ("seeds", study.seeds, seeds, begun.seeds),
        )
        if asked is None and now > max(before, int(begun.spec.get(what, now)))
    ]
    return f"the study {study.name!r} keeps what it was begun with: {', '.join(kept)}" if kept else ""


def check_unchanged(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse a spec that differs from the recorded one in more than the fields that may change.

    Raises:
        StudyChangedError: it differs; the message names the fields.
    """
    old, new = flatten(_with_new_defaults(before)), flatten(now)
    different = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    different = [path for path in different if path not in MUTABLE_FIELDS]
    if different:
        changes = [f"{path} was {old.get(path)!r} and is {new.get(path)!r}" for path in different[:3]]
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise StudyChangedError(
            f"the study {now['name']!r} was begun with another spec: {'; '.join(changes)}{more}. "
            "Run it under another name with --as NAME, or in another home with --home (in Python: name, home)"
        )


def _check_not_confirmed(study: Study, record: StudyRecord, ledger: Ledger) -> None:
    if study.design.confirms and ledger.test_set_accesses(study.name):
        raise StudyChangedError(
            f"the study {study.name!r} has searched {record.trials} configurations with {record.seeds} seeds, and test "
            "data were opened for its winners: a search that goes on has seen them. Begin another with --as NAME"
        )


def _with_new_defaults(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded spec with the defaults of fields that are newer; unchanged if it cannot be read any more."""
    try:
        return Study.model_validate(spec).to_json()
    except ValidationError:
        return spec
