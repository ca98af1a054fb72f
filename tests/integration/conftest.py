from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.options import open_workspace
from harness.cli.studies import load_changed
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.staging.ledger import Ledger
from harness.staging.runner import Runner

Train = Callable[..., Ledger]


@pytest.fixture
def train_alone() -> Train:
    """Execute the first study in this process, one run after the other: what others are compared with."""

    def train(home: Path, *fields: str, trials: int, seeds: int, name: str | None = None) -> Ledger:
        study, file = load_changed(
            "digits-late-classes", fields=list(fields), device=None, precision=None, other_name=name
        )
        workspace = open_workspace(home, None, None)
        workspace.ledger.create()
        launch(study, Runner(workspace), Observer(), trials=trials, seeds=seeds, file=file)
        return workspace.ledger

    return train
