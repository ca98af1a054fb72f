from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.core.model_folder import ModelFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors", "tokenizer.json", "README.md"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_folder_is_found_as_long_as_its_bytes_are_the_same(folder: Path) -> None:
    spec = ModelFolder.of(str(folder))
    (folder / "README.md").write_text("not read")

    assert ModelFolder.model_validate(spec.to_json()).checked() == folder


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_other_bytes_under_the_same_name_are_noticed(folder: Path, name: str) -> None:
    spec = ModelFolder.of(str(folder))
    (folder / name).write_text("other bytes")

    with pytest.raises(DataError, match=rf"SHA-256 {spec.sha256[:12]}\.\.\. in .*, found SHA-256 [0-9a-f]{{64}}"):
        spec.checked()


def test_a_package_is_not_imported_to_find_its_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path_factory.mktemp("site")
    (site / "shipping_a_model").mkdir()
    (site / "shipping_a_model" / "__init__.py").write_text("raise SystemExit")
    folder.rename(site / "shipping_a_model" / "files")
    monkeypatch.syspath_prepend(str(site))

    assert ModelFolder.of("files", package="shipping_a_model").checked() == site / "shipping_a_model" / "files"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected the package 'no_such_model', .* pip install no-such-model"):
        ModelFolder.of("model", package="no_such_model")
    with pytest.raises(DataError, match=r"expected the folder of a model, with config.json, at .*, found none"):
        ModelFolder.of(str(tmp_path))
