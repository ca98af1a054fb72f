"""What damaged files were found to do: raise errors of other libraries, or end the process."""

import json
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.reporting.publication.source_files import STUDY
from tests.fuzzing.parser import attempt
from tests.fuzzing.parsers import PARSERS
from tests.fuzzing.reports import forged, opened

DEEP = b"[" * 3000


def first(name: str, folder: Path) -> bytes:
    return PARSERS[name].samples(folder)[0]


def npy(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(400)


def tensors(about: object) -> bytes:
    header = json.dumps({"inputs": about}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(64)


def with_another_offset(content: bytes) -> bytes:
    """Let the second list of a column of lists of two numbers end far behind its last number."""
    offsets = struct.pack("<4i", 0, 2, 4, 6)
    assert content.count(offsets) == 1
    return content.replace(offsets, struct.pack("<4i", 0, 2, 1_441_792, 6))


def with_another_compression(content: bytes) -> bytes:
    """Let every part of an archive be compressed in a way that Python does not know."""
    changed = bytearray(content)
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = changed.find(signature)
        while start >= 0:
            changed[start + at] = 97
            start = changed.find(signature, start + 1)
    return bytes(changed)


def source(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], bytes]:
    """Return what changes one of the files from which a report follows; its manifest is right nevertheless."""

    def changed(folder: Path) -> bytes:
        files = opened(first("results of a report", folder))
        return forged(files | {name: change(files[name])})

    return changed


def with_a_registration_that_is_none(content: bytes) -> bytes:
    study = json.loads(content)
    study["ledger"]["registration"] = "x"
    return json.dumps(study).encode()


def with_classes_that_are_none(content: bytes) -> bytes:
    study = json.loads(content)
    study["spec"]["base"]["task"]["classes"] = 1.5
    return json.dumps(study).encode()


def with_half_a_pair(spec: bytes) -> bytes:
    content = json.loads(spec)
    content["space"] |= {"half\ud800": next(iter(content["space"].values()))}
    return json.dumps(content).encode()


FOUND: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "a header of an array that ends too early": ("rows of npy", lambda _: npy(b"{'descr': '<f4', 'shape': (3,\n")),
    "an array of less than no rows": (
        "rows of npy",
        lambda _: npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 2), }\n"),
    ),
    "brackets by the thousand in a header of an array": ("rows of npy", lambda _: npy(DEEP)),
    "a name that UTF-8 cannot write": ("spec", lambda folder: with_half_a_pair(first("spec", folder))),
    "a tensor without a type": ("rows of safetensors", lambda _: tensors({"shape": [2], "data_offsets": [0, 8]})),
    "a tensor without a place": ("rows of safetensors", lambda _: tensors({"shape": [2], "dtype": "F32"})),
    "a list that ends behind its file": ("arrow", lambda folder: with_another_offset(first("arrow", folder))),
    "an unknown compression": ("workbook", lambda folder: with_another_compression(first("workbook", folder))),
    "brackets by the thousand in a snapshot": (
        "snapshot",
        lambda _: struct.pack("<Q", len(DEEP)) + DEEP,
    ),
    "a registration that is a word": ("results of a report", source(STUDY, with_a_registration_that_is_none)),
    "classes that are a number": ("results of a report", source(STUDY, with_classes_that_are_none)),
    "an index of thousands of digits": ("--set", lambda _: b"growths." + b"1" * 5000 + b".trigger=1"),
    "a frame longer than any memory": ("pickle", lambda _: b"\x80\x04\x95" + b"\xff" * 8 + b"N."),
    "a size of thousands of digits": ("size", lambda _: b"1." + b"1" * 5000 + b".5"),
    "a password that is no text": ("storage address", lambda _: b"postgresql://me:\xff@host/name"),
    "brackets by the thousand": ("--set", lambda _: b"steps=" + DEEP),
}


@pytest.mark.parametrize(("name", "made"), FOUND.values(), ids=FOUND)
def test_what_was_found_is_refused_in_a_line(name: str, made: Callable[[Path], bytes], tmp_path: Path) -> None:
    assert not attempt(PARSERS[name], made(tmp_path), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE studies SET spec = '[1'",
        "UPDATE studies SET trials = 'x'",
        "UPDATE studies SET file = x'ff'",
        "UPDATE origins SET changes = 'null'",
        "UPDATE runs SET record = '3'",
        "UPDATE registrations SET content = '{'",
        "UPDATE earlier_forms SET spec = ''",
        "UPDATE openings SET arm = x'ff'",
    ],
)
def test_a_cell_of_the_ledger_that_is_damaged_is_named_in_a_line(change: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(first("ledger", tmp_path))
        database.execute(change)
        database.commit()
        content = database.serialize()

    assert not attempt(PARSERS["ledger"], content, tmp_path)
