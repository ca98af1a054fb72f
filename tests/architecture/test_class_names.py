"""One word means one thing: also a class name."""

import re
from collections import Counter
from pathlib import Path

import harness

PACKAGE = Path(harness.__file__).parent
CLASS = re.compile(r"^class (\w+)", re.MULTILINE)


def test_no_two_classes_have_one_name() -> None:
    names = Counter(name for source in PACKAGE.rglob("*.py") for name in CLASS.findall(source.read_text()))

    assert [name for name, count in names.items() if count > 1] == []
