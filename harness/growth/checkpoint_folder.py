"""A folder with a checkpoint: `grown.json`, and a safetensors file that it names.

The tensors are written first, under a name that holds their digest. Then `grown.json` is replaced, in one moment. So
whenever a process dies, the folder has the old checkpoint or the new one. Nothing in it is executed.
"""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.core.errors import SnapshotError, StoreError
from harness.core.synced import make_folder, sync

__all__ = ["read_checkpoint", "write_checkpoint"]

HEADER, TENSORS, VERSION = "grown.json", "tensors-{}.safetensors", 1
CHUNK_BYTES = 1 << 20


def write_checkpoint(folder: Path, content: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a checkpoint into `folder`, in place of one that is there.

    Raises:
        StoreError: it cannot be written; what was there before is still there.
    """
    try:
        make_folder(folder)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as temporary:
            written = Path(temporary) / "tensors"
            save_file(_stored(tensors), written)
            digest = _digest(written)
            name = TENSORS.format(digest[:16])
            header = Path(temporary) / HEADER
            header.write_text(json.dumps({"version": VERSION, "tensors": name, "sha256": digest, **content}))
            for path in (written, header):
                sync(path)
            written.chmod(header.stat().st_mode)  # safetensors lets nobody else read it
            written.replace(folder / name)
            header.replace(folder / HEADER)
            sync(folder)
        for old in folder.glob(TENSORS.format("*")):
            if old.name != name:
                old.unlink()
    except (OSError, SafetensorError) as error:
        raise StoreError(f"expected to write a checkpoint into {str(folder)!r}, found {error}") from None


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return content and tensors of the checkpoint in `folder`.

    Raises:
        SnapshotError: there is none, a part of it is missing, or it is not what was written.
    """
    try:
        content = json.loads((folder / HEADER).read_text())
        version, name, digest = content["version"], str(content["tensors"]), content["sha256"]
    except FileNotFoundError:
        raise SnapshotError(f"expected a checkpoint in {str(folder)!r}, found no {HEADER}") from None
    except (OSError, ValueError, TypeError, KeyError):
        raise SnapshotError(f"expected the {HEADER} of a checkpoint in {str(folder)!r}, found something else") from None
    if version != VERSION:
        raise SnapshotError(f"expected version {VERSION} in {str(folder / HEADER)!r}, found {version}; update harness")
    path = folder / Path(name).name
    try:
        if _digest(path) != digest:
            raise SnapshotError(f"expected the tensors that were written, found {str(path)!r} changed; save anew")
        return content, load_file(path)
    except (OSError, SafetensorError) as error:
        raise SnapshotError(f"expected the tensors of a checkpoint in {str(path)!r}, found {error}") from None


def _stored(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as safetensors stores them: on the CPU, dense, none with memory of another."""
    seen: set[int] = set()
    stored = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        storage = value.untyped_storage()
        shared = storage.data_ptr() in seen or storage.nbytes() != value.numel() * value.element_size()
        stored[name] = value.clone() if shared else value
        seen.add(stored[name].untyped_storage().data_ptr())
    return stored


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
