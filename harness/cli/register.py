"""`harness register`: what a study is going to do, written down before its first run."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.api.studies import without_home
from harness.cli import options
from harness.cli.registration_file import points_of_file
from harness.cli.studies import load_changed
from harness.core.errors import InputError
from harness.core.synced import make_folder, sync
from harness.staging.durable_files import write_synced

__all__ = ["register"]


def register(
    study: options.StudyName,
    trials: options.Trials = None,
    seeds: options.Seeds = None,
    device: options.Device = None,
    precision: options.Precision = None,
    set_: options.SetFields = None,
    as_: options.Name = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it; by default into the home.")] = None,
    points: Annotated[
        str, typer.Option(metavar="DIGEST|FILE", help="A registration that is repeated here: its points, or its file.")
    ] = "",
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Register a study before its first run: plan, seeds, configurations and code, with their digest.

    Commit the file, tag it, or have it time-stamped. The points of a registered study follow from its plan, whatever it
    is called, and its report says that it was registered.
    """
    from harness.reporting.data.environment import environment
    from harness.search.check import check_study
    from harness.search.commit import commit_of
    from harness.search.registration import check_new, cut_short
    from harness.search.registration import register as registered
    from harness.staging.ledger import StudyOrigin
    from harness.staging.registration import registration_bytes
    from harness.staging.runner import Runner

    loaded, file = load_changed(study, fields=set_, device=device, precision=precision, other_name=as_)
    workspace = options.open_workspace(home, storage)
    path = out or home / "registrations" / f"{loaded.name}.json"
    check_study(loaded, Runner(workspace))
    workspace.create()
    here = environment()
    made_with = {name: str(here[name]) for name in ("harness", "code_sha256", "python")}
    made_with |= {"torch": here["packages"]["torch"], "commit": commit_of(str(file))}
    sizes: dict[str, Any] = {"trials": trials, "seeds": seeds, "file": file, "points": points_of_file(points)}
    kept = cut_short(loaded, workspace.ledger, **sizes)
    if kept is None:
        check_new(loaded.name, workspace.ledger)
    _expect_new(path, registration_bytes(kept.content) if kept else b"")
    found = kept or registered(loaded, workspace.ledger, **sizes, made_with=made_with)
    workspace.ledger.save_origin(loaded.name, StudyOrigin(without_home(study), tuple(set_ or [])))
    content = registration_bytes(found.content)
    _write(path, content)
    typer.echo(f"{path}: SHA-256 {hashlib.sha256(content).hexdigest()}")
    typer.echo("Commit it or tag it before the first run, or have it time-stamped; a query for an authority is made by")
    typer.echo(f"  openssl ts -query -data {path} -sha256 -cert -out {path}.tsq")


def _expect_new(path: Path, content: bytes) -> None:
    """Refuse a file that exists, unless it has this content.

    Raises:
        InputError: it has another.
    """
    if path.exists() and not (path.is_file() and path.read_bytes() == content):
        raise InputError(f"cannot write the registration to {path} (it exists); name a new file with --out")


def _write(path: Path, content: bytes) -> None:
    """Write a file all at once; the ledger has its content already.

    Raises:
        InputError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        make_folder(path.parent)
        write_synced(unfinished, [content])
        unfinished.rename(path)
        sync(path.parent)
    except OSError as error:
        raise InputError(
            f"cannot write the registration to {path} ({error}); the ledger has it: call the same command again, or "
            "name a new file with --out"
        ) from None
