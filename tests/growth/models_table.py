"""What each operation does to networks that others build; `python -m tests.growth.models_table` writes the page."""

import copy
import functools
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import InputError, SurgeryError
from harness.growth import (
    AbstractOperation,
    AddBranch,
    AlignRows,
    AttachHead,
    DuplicateLayers,
    InsertLayer,
    Probe,
    Promise,
    PruneUnits,
    RaiseRank,
    ReplaceHead,
    ResizeEmbedding,
    SplitClass,
    ToggleHead,
    WidenHead,
    WidenLayer,
    grow,
)
from harness.growth.layers import ConvBlock, MLPBlock
from harness.growth.units import RandomUnits
from harness.models import GrowableModel
from harness.models.call import call
from tests.growth.networks import NETWORKS, Network

__all__ = ["HEADING", "OPERATIONS", "PAGE", "cells", "outcome", "page"]

TOLERANCE = 1e-4
Make = Callable[[Network], AbstractOperation | None]


def _at(path: str, make: Callable[[], AbstractOperation]) -> AbstractOperation | None:
    return make() if path else None


OPERATIONS: dict[str, Make] = {
    "`AttachHead`": lambda n: AttachHead(name="late", outputs=2, tap=n.tap),
    "`AddBranch`": lambda n: AddBranch(name="second", readers=(n.head,)),
    "`ToggleHead`": lambda n: _at(n.branch, lambda: ToggleHead(path=n.branch, on=False)),
    "`WidenHead`": lambda n: WidenHead(path=n.head, to=14),
    "`WidenHead`, in place": lambda n: WidenHead(path=n.head, to=14, rows="in_place"),
    "`SplitClass`": lambda n: SplitClass(path=n.head, parent=1, children=2, keep_probability=False),
    "`AlignRows`": lambda n: AlignRows(path=n.head, first=2),
    "`ReplaceHead`": lambda n: ReplaceHead(path=n.head, to=5, rows_from={0: 1}),
    "`InsertLayer`": lambda n: InsertLayer(after=n.tap, layer=ConvBlock(width=4) if n.maps else MLPBlock(width=4)),
    "`WidenLayer`": lambda n: _at(n.hidden, lambda: WidenLayer(path=n.hidden, by=2)),
    "`WidenLayer`, random": lambda n: _at(n.hidden, lambda: WidenLayer(path=n.hidden, by=2, method=RandomUnits())),
    "`PruneUnits`": lambda n: _at(n.hidden, lambda: PruneUnits(path=n.hidden, by=1)),
    "`ResizeEmbedding`": lambda n: _at(n.embedding, lambda: ResizeEmbedding(path=n.embedding, to=14)),
    "`DuplicateLayers`": lambda n: _at(n.stack, lambda: DuplicateLayers(path=n.stack, layers=n.layers)),
    "`DuplicateLayers`, from zero": lambda n: _at(
        n.stack if n.zeroed else "", lambda: DuplicateLayers(path=n.stack, layers=n.layers, zeroed=n.zeroed)
    ),
    "`RaiseRank`": lambda n: _at("lora" if "base_model." in n.head else "", lambda: RaiseRank(to=4)),
}


@functools.cache
def trained(name: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a network after one update, and its optimizer."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = NETWORKS[name].build()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
        step(model, optimizer, NETWORKS[name])
    return model, optimizer


def step(model: nn.Module, optimizer: torch.optim.Optimizer, network: Network) -> None:
    optimizer.zero_grad()
    terms = [value.float().square().mean() for value in outputs(model.train(), network).values()]
    torch.stack(terms).sum().backward()
    optimizer.step()


def outputs(model: nn.Module, network: Network) -> dict[str, Tensor]:
    """Return the logits of a network, and the outputs of heads that were attached, by name."""
    returned = call(model, network.batch())
    if isinstance(returned, Tensor):
        return {"logits": returned}
    assert isinstance(returned, Mapping)
    inner = returned.get("known", returned)
    heads = {name: value for name, value in returned.items() if name in ("logits", "late")}
    return (outputs_of(inner) if inner is not returned else {}) | heads


def outputs_of(returned: Any) -> dict[str, Tensor]:
    return {"logits": returned if isinstance(returned, Tensor) else returned["logits"]}


def outcome(name: str, operation: AbstractOperation) -> str:
    """Return what becomes of a network, in words."""
    network = NETWORKS[name]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model, optimizer = copy.deepcopy(trained(name))
        if isinstance(operation, AttachHead):
            model = GrowableModel(model, "known")
        held = [id(tensor) for tensor in (*model.parameters(), *model.buffers())]
        with torch.no_grad():
            before = outputs(model.eval(), network)
        try:
            grow(model.train(), optimizer, operation, probe=Probe(network.batch()))
        except (InputError, SurgeryError) as error:
            same = held == [id(tensor) for tensor in (*model.parameters(), *model.buffers())]
            known = re.compile(r" *There are: .*")  # the names of modules there are
            return f"refused: {known.sub('', str(error))}" if same else "WRONG: refused and changed"
        with torch.no_grad():
            after = outputs(model.eval(), network)
        if broken := _broken(operation, before["logits"], after["logits"]):
            return f"WRONG: {broken}"
        step(model, optimizer, network)
    return "works"


def _broken(operation: AbstractOperation, old: Tensor, new: Tensor) -> str:
    """Return which promise an operation broke, or nothing."""
    dim = 1 if new.dim() == 4 else -1
    columns = {0: 1} if isinstance(operation, ReplaceHead) else {column: column for column in range(old.shape[dim])}
    kept = new.index_select(dim, torch.tensor(list(columns)))
    change = (kept - old.index_select(dim, torch.tensor(list(columns.values())))).abs().max().item()
    limit = {Promise.EXACT: 0.0, Promise.CLOSE: TOLERANCE, Promise.NONE: float("inf")}[operation.promise()]
    return "" if change <= limit else f"outputs changed by {change:.2g}"


def cells(name: str) -> list[str]:
    """Return the outcomes of all operations on a network; nothing where it has nothing to begin at."""
    made = [make(NETWORKS[name]) for make in OPERATIONS.values()]
    return ["" if operation is None else outcome(name, operation) for operation in made]


PAGE = Path(__file__).parents[2] / "reports" / "docs" / "pages" / "growing-models.md"
HEADING = f"""# Networks and growths

What becomes of networks that others build: of torch, of Hugging Face's transformers and of its PEFT, tiny and with
random weights. *Works* means: what the operation promises of earlier outputs holds, the optimizer follows, and the next
step trains. Everything else is refused, in the words below, and nothing changes. A cell is empty where a network has
nothing of that kind.

`python -m tests.growth.models_table` writes this page, and a test compares it.

| network | {" | ".join(OPERATIONS)} |
|---{"|---" * len(OPERATIONS)}|
"""


def page() -> str:
    """Return the page."""
    refusals: dict[str, int] = {}
    lines = []
    for name in NETWORKS:
        found = cells(name)
        for cell in found:
            if cell.startswith("refused"):
                refusals.setdefault(cell, len(refusals) + 1)
        shown = [f"refused ({refusals[cell]})" if cell in refusals else cell for cell in found]
        lines.append(f"| {name} | {' | '.join(shown)} |\n")
    words = [f"{number}. {text.removeprefix('refused: ')}\n" for text, number in refusals.items()]
    return HEADING + "".join(lines) + "\n" + "".join(words)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    PAGE.write_text(page(), encoding="utf-8")
