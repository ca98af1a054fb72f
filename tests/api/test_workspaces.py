from pathlib import Path

import pytest

from harness.api.workspaces import data_folder


@pytest.mark.parametrize(("value", "folder"), [("data/here", Path("data/here")), ("", None), (None, None)])
def test_the_data_folder_is_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, value: str | None, folder: Path | None
) -> None:
    monkeypatch.delenv("HARNESS_DATA_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("HARNESS_DATA_DIR", value)

    assert data_folder() == folder
