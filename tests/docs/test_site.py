"""The site has every page, every command, and every link leads somewhere."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from tests.cli.test_main import COMMANDS
from tests.docs.blocks import PAGES, ROOT, pages

DOCS = PAGES.parent


def nav_of(entry: Any) -> list[str]:
    """Return the pages of an entry of the navigation: of a page, of a list, or of what has a title."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in nav_of(part)]


def script() -> ModuleType:
    """Return the script that writes the page of all commands."""
    spec = importlib.util.spec_from_file_location("commands", DOCS / "commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_they_say_of_themselves() -> None:
    written = script()

    assert written.PAGE.read_text() == written.page(), "python reports/docs/commands.py writes it"


def test_every_command_is_explained_and_every_option_of_a_run() -> None:
    text = (PAGES / "running.md").read_text()
    told = {*re.findall(r"`harness (\w+)", text), *re.findall(r"--(?:no-)?[\w-]+", text)}

    assert set(COMMANDS) - told == set()
    options = {option for option in COMMANDS["run"] if option.startswith("--")}
    assert {option for option in options if not {option, option.replace("--", "--no-", 1)} & told} == set()


def test_every_page_is_in_the_navigation_once() -> None:
    listed = nav_of(yaml.safe_load((DOCS / "mkdocs.yml").read_text())["nav"])

    assert sorted(listed) == sorted(str(page.relative_to(PAGES)) for page in pages())


def test_the_site_asks_no_other_host_for_what_searches_it() -> None:
    scripts = yaml.safe_load((DOCS / "mkdocs.yml").read_text())["extra"]["polyfills"]

    # The plugin names another host's unless one of these has this name.
    assert any("iframe-worker" in script for script in scripts)
    assert [script for script in scripts if not (PAGES / script).is_file()] == []


def test_everything_that_scripts_import_is_in_the_reference() -> None:
    import harness

    text = (PAGES / "reference" / "python.md").read_text()
    named = set(re.findall(r"^::: harness\.(\w+)$", text, re.MULTILINE))

    assert named - {"reporting"} == set(harness.__all__) - {"Study"}
    assert "::: harness.search.study.Study" in (PAGES / "reference" / "study.md").read_text()


def test_every_name_in_the_reference_exists() -> None:
    named = [
        name
        for page in (PAGES / "reference").glob("*.md")
        for name in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)
    ]

    assert [name for name in named if not exists(name)] == []
    assert len(named) > 30


def exists(name: str) -> bool:
    """Return whether a module of this name lies in the tree, or one that mentions its last part."""
    file = ROOT / Path(*name.split("."))
    if file.is_dir() or file.with_suffix(".py").is_file():
        return True
    module, _, last = name.rpartition(".")
    folder = ROOT / Path(*module.split("."))
    source = folder.with_suffix(".py") if folder.with_suffix(".py").is_file() else folder / "__init__.py"
    return re.search(rf"\b{last}\b", source.read_text()) is not None


def test_tables_break_and_scroll_within_the_margins_of_a_phone() -> None:
    rules = (PAGES / "site.css").read_text().splitlines()

    unbroken = [rule for rule in rules if "white-space: nowrap" in rule]

    assert all(rule.startswith("@media screen and (min-width:") for rule in unbroken)
    assert any(rule.startswith(".md-typeset__scrollwrap") and "overflow-x: auto" in rule for rule in rules)
