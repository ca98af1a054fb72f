import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.models import MLP, AbstractModel
from harness.staging.own_definitions import definitions_of

MODULE = """
from typing import Literal

from torch import nn

from harness.models import AbstractModel
from own_parts import helper, sizes
from own_parts.sizes import WIDTH

SCALE = 2


class Owned(AbstractModel):
    kind: Literal["own_of_module"] = "own_of_module"

    def build(self, outputs: int) -> nn.Module:
        return nn.Sequential(helper.body(WIDTH), nn.Linear(SCALE * sizes.LAST, outputs))


def unused() -> int:
    return 1
"""
HELPER = "from torch import nn\n\n\ndef body(width: int) -> nn.Module:\n    return nn.Linear(4, width)\n"
SIZES = "WIDTH = 8\nLAST = 8\nOTHER = 3\n"
Build = Callable[..., str]


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Return a function that writes modules of one's own, imports them anew and returns the digest of their class."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_parts").mkdir()
    (tmp_path / "own_parts" / "__init__.py").touch()

    def build(module: str = MODULE, helper: str = HELPER, sizes: str = SIZES) -> str:
        files = {"own_network.py": module, "own_parts/helper.py": helper, "own_parts/sizes.py": sizes}
        for name, source in files.items():
            (tmp_path / name).write_text(source)
        forget()
        importlib.invalidate_caches()
        model: AbstractModel = importlib.import_module("own_network").Owned()
        return definitions_of(model)["own_of_module"]

    yield build
    forget()


def forget() -> None:
    for name in [name for name in sys.modules if name.startswith(("own_network", "own_parts"))]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "changed",
    [
        {"module": MODULE.replace("nn.Sequential(", "nn.Sequential(nn.Identity(), ")},
        {"module": MODULE.replace("SCALE = 2", "SCALE = 3")},
        {"helper": HELPER.replace("nn.Linear(4", "nn.Linear(5")},
        {"sizes": SIZES.replace("WIDTH = 8", "WIDTH = 9")},
        {"sizes": SIZES.replace("LAST = 8", "LAST = 9")},
    ],
)
def test_what_a_class_names_counts_wherever_it_is_defined(digest_of: Build, changed: dict[str, str]) -> None:
    assert digest_of() != digest_of(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"module": MODULE.replace("SCALE = 2", "SCALE   =   2  # a comment")},
        {"module": MODULE.replace("(AbstractModel):\n", '(AbstractModel):\n    """A network."""\n\n')},
        {"module": MODULE.replace("return 1", "return 2")},
        {"module": MODULE + "\n\nprint(unused())\n"},
        {"helper": HELPER + "\n\ndef more() -> None:\n    pass\n"},
        {"sizes": SIZES.replace("OTHER = 3", "OTHER = 4")},
    ],
)
def test_words_and_what_a_class_does_not_name_do_not_count(digest_of: Build, changed: dict[str, str]) -> None:
    assert digest_of() == digest_of(**changed)


def test_what_comes_with_harness_is_not_ones_own() -> None:
    assert definitions_of(MLP(inputs=4, widths=(8,))) == {}
