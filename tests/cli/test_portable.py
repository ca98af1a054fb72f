import os
import sys
from collections.abc import Sequence

import pytest

from harness.cli import portable
from harness.cli.portable import choose_instruction_sets, train_as_recorded

Begun = list[Sequence[str]]


@pytest.fixture
def begun_anew(monkeypatch: pytest.MonkeyPatch) -> Begun:
    """The arguments with which the command begins anew, instead of beginning."""
    found: Begun = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: found.append(arguments))
    monkeypatch.setattr(sys, "argv", ["harness", "reproduce", "tiny"])
    return found


@pytest.mark.parametrize(("pinned", "option"), [(True, "--portable"), (False, "--no-portable")])
def test_a_command_begins_anew_to_train_as_a_run_was_trained(
    begun_anew: Begun, monkeypatch: pytest.MonkeyPatch, pinned: bool, option: str
) -> None:
    monkeypatch.setattr(portable, "_chosen", [not pinned])

    train_as_recorded(pinned, None)

    assert begun_anew == [[sys.executable, "-m", "harness", "reproduce", "tiny", option]]


@pytest.mark.parametrize(("chosen", "asked"), [([True], None), ([False], False), ([False], True), ([], None)])
def test_it_goes_on_where_it_is_pinned_already_or_told_or_was_never_asked(
    begun_anew: Begun, monkeypatch: pytest.MonkeyPatch, chosen: list[bool], asked: bool | None
) -> None:
    monkeypatch.setattr(portable, "_chosen", chosen)

    train_as_recorded(True, asked)

    assert begun_anew == []


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [(["run", "x"], []), (["run", "x", "--portable"], ["pin"]), (["run", "--no-portable"], ["unpin"])],
)
def test_instruction_sets_are_pinned_if_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], calls: list[str]
) -> None:
    found: list[str] = []
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(portable, "_chosen", [])
    for name in ("pin", "unpin"):
        monkeypatch.setattr(portable, name, lambda name=name: found.append(name))

    choose_instruction_sets(arguments)

    assert found == calls


def test_once_torch_is_loaded_it_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "pin", lambda: pytest.fail("torch has chosen"))
    monkeypatch.setitem(sys.modules, "torch", sys)

    choose_instruction_sets(["run"])
