"""`harness show`: what a study asks, how far it is, how its runs ended, and where its files are."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harness.cli import options
from harness.reporting.data.wording import count
from harness.staging.run_name import run_name
from harness.staging.study_spec import StudySpec

if TYPE_CHECKING:
    from harness.staging.ledger import RunRecord, StudyRecord
    from harness.staging.workspace import Workspace

__all__ = ["show"]


def show(study: options.StudyName, home: options.Home = Path("runs"), storage: options.Storage = None) -> None:
    """Show what a study searches, its arms, how far it is, how its runs ended, and where its files are."""
    workspace = options.open_workspace(home, storage)
    begun = _begun(workspace, study)
    for line in _of_begun(begun, workspace) if begun else _of_file(study, workspace):
        typer.echo(line)


def _begun(workspace: "Workspace", study: str) -> "StudyRecord | None":
    return workspace.ledger.study(study) if workspace.ledger.exists else None


def _of_file(name: str, workspace: "Workspace") -> Iterator[str]:
    """Yield the lines on the study in a file; the study may have another name than the file's folder."""
    from harness.search.find import find_study
    from harness.search.load import load_study

    file = find_study(name)
    loaded = load_study(file)
    if begun := _begun(workspace, loaded.name):
        yield from _of_begun(begun, workspace)
        return
    yield from _question(StudySpec(loaded.to_json()))
    yield f"progress    not begun: {count(loaded.trials, 'configuration')}, {count(loaded.seeds, 'seed')}"
    yield f"study file  {file}"


def _of_begun(record: "StudyRecord", workspace: "Workspace") -> Iterator[str]:
    runs = workspace.ledger.runs(record.name)
    yield from _question(record.spec)
    yield f"progress    {len(runs)} of {count(record.planned_runs, 'run')}: {_size(record)}"
    yield from (f"            {line}" for line in _outcomes(runs))
    yield f"study file  {record.file or 'not known'}"
    yield f"ledger      {workspace.ledger.database}"
    yield f"stages      {workspace.of_study(record).stages}"
    yield f"report      {workspace.report_folder(record.name)}"


def _size(record: "StudyRecord") -> str:
    factors = {"configuration": record.trials, "arm": len(record.spec.arms), "seed": record.seeds}
    each = " x ".join(count(number, noun) for noun, number in factors.items())
    design = record.spec.design
    if not design.confirms:
        return each
    return f"{design.replicates} searches of {each}, each winner confirmed with {design.confirmation} seeds"


def _question(spec: StudySpec) -> Iterator[str]:
    yield f"{spec.name}: {spec.title}"
    yield f"question    {spec.question}"
    yield f"metric      {spec.metric}"
    objectives = [f"{one['metric']}, to {one['direction']}" for one in spec.objectives]
    yield from _block("weighed", objectives)
    searched = [f"{name} = {_dimension(content)}" for name, content in spec.space.items()]
    yield from _block("searches", searched or ["nothing: there is one configuration"])
    yield from _block("arms", [f"{name}: {_changes(changes)}" for name, changes in spec.arms.items()])


def _block(title: str, lines: list[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"{'' if index else title:<12}{line}"


def _dimension(content: Mapping[str, Any]) -> str:
    """Return a dimension as people write it, without what is not set.

    >>> _dimension({"kind": "float", "field": "lr", "low": 0.0, "high": 1.0, "step": None, "when": {"on": [True]}})
    'float(low=0.0, high=1.0) for lr, when on = True'
    """
    set_ = {key: value for key, value in content.items() if key not in ("kind", "field", "when")}
    values = ", ".join(f"{key}={value}" for key, value in set_.items() if value is not None and value is not False)
    conditions = [f"{name} = {' or '.join(map(str, wanted))}" for name, wanted in content.get("when", {}).items()]
    return f"{content['kind']}({values}) for {content['field']}" + "".join(f", when {one}" for one in conditions)


def _changes(changes: Mapping[str, Any]) -> str:
    named = [f"{field} = {_named(value)}" for field, value in changes.items()]
    return ", ".join(named) or "as the configuration says"


def _named(value: Any) -> str:
    """Return the value of a field, a part of a configuration by its kind alone.

    >>> _named({"kind": "herding", "size": 200}), _named({"classes": {"kind": "joint_cross_entropy"}}), _named(0.5)
    ('herding', 'classes: joint_cross_entropy', '0.5')
    """
    if not isinstance(value, dict):
        return str(value)
    return value["kind"] if "kind" in value else ", ".join(f"{name}: {_named(item)}" for name, item in value.items())


def _outcomes(runs: "list[RunRecord]") -> Iterator[str]:
    """Yield each way in which runs ended, the most frequent first, with an example of those that failed."""
    counts = Counter((run.status, run.reason) for run in runs)
    for (status, reason), number in counts.most_common():
        if not reason:
            yield f"{number} {status}"
            continue
        first = next(run for run in runs if run.reason == reason)
        yield f"{number} {status}, first {run_name(*first.key)}: {reason}"
