"""What tests of several layers share."""

import fcntl
import gc
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path

import pytest
import torch
from hypothesis import Phase, settings

from harness.benchmarks.postgres_server import postgres_server
from harness.core.digest import digest
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing
from harness.models import MLP, ConvNet, GrowableModel
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.tracking.mlflow.location import default_tracking_uri
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW
from tests.migrations import read_migrations_once
from tests.undrawn import undraw

LONGEST_S = 20.0  # twice what the slowest takes, since a busy machine makes processor time longer, too
MadeOnce = Callable[[str, Callable[[Path], object]], Path]
Undrawn = Callable[[], AbstractContextManager[None]]

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", derandomize=True, max_examples=50, deadline=None)
settings.register_profile("nightly", max_examples=2000, deadline=None)
# Whether a test fails is all that counts; to shrink what fails would take most of the time.
settings.register_profile(
    "faults", derandomize=True, max_examples=50, deadline=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that stores the golden run anew."""
    parser.addoption("--golden", action="store_true", help="store the golden run's losses anew")


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Iterator[None]:
    """Let Optuna read its own migrations once rather than at each launch."""
    if "optuna" not in sys.modules:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        read_migrations_once(patch.setattr)
        yield


@pytest.fixture(scope="session", autouse=True)
def _optuna_tables_made_once(tmp_path_factory: pytest.TempPathFactory, _migrations_read_once: None) -> Iterator[None]:
    """Copy Optuna's empty database into a new home: to make its tables takes longer than to train a run."""
    if "optuna" not in sys.modules:
        yield
        return
    module, empty = import_module("harness.search.proposals"), Workspace(tmp_path_factory.mktemp("optuna"))
    open_storage, optuna_file = module.open_storage, module.optuna_file

    def copied(workspace: Workspace) -> object:
        file, made = optuna_file(workspace), optuna_file(empty)
        if file and not file.exists():
            if not made.exists():
                open_storage(empty).engine.dispose()
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made, file)
        return open_storage(workspace)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_storage", copied)
        yield


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported and collected: a million objects that stay."""
    gc.collect()
    gc.freeze()


def processor_s() -> float:
    """Return the processor time of this process and of those that it waited for, in seconds."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test fail that takes long and is not marked so."""
    before = processor_s()
    result = yield
    took = processor_s() - before
    if took > LONGEST_S and not {"slow", "campaign"} & {mark.name for mark in item.iter_markers()}:
        pytest.fail(
            f"expected at most {LONGEST_S:.0f} s of processor time in a test that always runs, found {took:.0f} s; "
            "make it cheaper, or mark it slow, and campaign if a shorter one can stand in its place",
            pytrace=False,
        )
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Let one worker more than there are cores run tests: many wait for processes that they started, or for a lease."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Return a function that fills a folder of some name once for all processes that test, and counts no line."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        made, done = root / name, root / f"{name}.done"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                made.mkdir(exist_ok=True)  # left half-made by a test that was interrupted
                make(made)
                done.touch()
        return made

    return folder


@pytest.fixture(scope="session")
def reports_written_once() -> Iterator[None]:
    """Write what follows from the same sources once; that this gives the same bytes is tested in other processes."""
    from harness.reporting import render, report
    from harness.reporting.verification import verify

    write, written = report.report_files, dict[str, dict[str, bytes]]()

    def once(sources: Mapping[str, bytes]) -> dict[str, bytes]:
        drawing = import_module("harness.reporting.figures.pairs").rendered.__name__
        key = digest({name: hashlib.sha256(content).hexdigest() for name, content in sources.items()} | {"": drawing})
        if key not in written:
            written[key] = write(sources)
        return {**written[key], **sources}

    with pytest.MonkeyPatch.context() as patch:
        for module in (render, report, verify):
            patch.setattr(module, "report_files", once)
        yield


@pytest.fixture(scope="session")
def undrawn() -> Undrawn:
    """Return a context that puts one picture in the place of all figures: drawing is most of what a report takes."""

    @contextmanager
    def patched() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            undraw(patch.setattr)
            yield

    return patched


@pytest.fixture
def figures_undrawn(undrawn: Undrawn) -> Iterator[None]:
    """Draw no figure in a test that is about other parts of reports."""
    with undrawn():
        yield


@pytest.fixture(scope="session")
def empty_database(made_once: MadeOnce) -> Path:
    """An MLflow database without a study, where a creation was cut short."""

    def make(folder: Path) -> None:
        (folder / "mlflow.sqlite.unfinished").write_bytes(b"half a database")
        from harness.tracking.mlflow.database import open_connection

        open_connection(default_tracking_uri(folder))

    return made_once("empty", make) / "mlflow.sqlite"


@pytest.fixture(scope="session")
def new_database(empty_database: Path) -> Callable[[Path], str]:
    """Put a copy of the empty database into a home, and return its address: to create one takes seconds."""

    def copy(home: Path) -> str:
        home.mkdir(exist_ok=True)
        shutil.copy(empty_database, home)
        return default_tracking_uri(home)

    return copy


@pytest.fixture
def digits_run() -> RunConfig:
    """A run of 40 steps on digits, with dropout, that grows a head after 20."""
    growth = GrowthRule(
        trigger=AtStep(step=20),
        operation=AttachHead(name="late", outputs=4, tap="hidden.0", width=5),
        freeze=NoFreezing(),
    )
    return RunConfig(
        task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
        model=MLP(inputs=64, widths=(16, 8), dropout=0.2),
        training=TrainingConfig(optimizer=AdamW(lr=5e-3), batch_size=32, evaluate_every=10),
        growths=(growth,),
        steps=40,
        device="cpu",
        precision="fp32",
    )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner in a home of its own."""
    return Runner(Workspace(tmp_path / "home").create())


@pytest.fixture
def conv_model() -> GrowableModel:
    """A convolutional network with batch norm and dropout, three outputs named `known`."""
    torch.manual_seed(0)
    backbone = ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=7, dropout=0.3).build(3)
    return GrowableModel(backbone, "known")


@pytest.fixture
def images() -> torch.Tensor:
    """Inputs `[5, 1, 8, 8]` for `conv_model`."""
    return torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL server of the test's own, on a free loopback port."""
    with postgres_server(durable=False) as server:
        if server is None:
            pytest.skip("no PostgreSQL server binaries")
        yield server.url
