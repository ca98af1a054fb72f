"""Embeddings, and the output layers that have a row for each of theirs."""

from collections.abc import Iterable

from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.core.spec import did_you_mean
from harness.models.lora import check_own_weight
from harness.models.network_config import follow, modules_around, resized
from harness.models.paths import full_path, module_at
from harness.models.rows import holders

__all__ = ["Embedding", "embedding_at", "follow_vocabulary", "output_biases", "output_layers", "weights_of"]

Embedding = nn.Embedding | nn.EmbeddingBag

OUTPUT_BIASES = ("bias", "decoder_bias", "final_logits_bias", "output_bias")
VOCABULARY = ("num_embeddings", "num_tokens", "type_vocab_size", "vocab_size")


def embedding_at(model: nn.Module, path: str) -> Embedding:
    """Return the embedding at `path`.

    Raises:
        ModulePathError: there is none, or its weight is computed from other tensors.
    """
    module = module_at(model, path)
    check_own_weight(module, path, model)
    if not isinstance(module, Embedding):
        known = [name for name, part in model.named_modules() if isinstance(part, Embedding)]
        raise ModulePathError(
            f"expected nn.Embedding or nn.EmbeddingBag at {path!r}, found {type(module).__name__}; name an "
            f"embedding.{did_you_mean(path, known)}"
        )
    if not isinstance(vars(module)["_parameters"].get("weight"), nn.Parameter):
        raise ModulePathError(
            f"expected {path!r} to hold its weight as a plain parameter, found one that is computed from others; "
            "remove its parametrization first"
        )
    return module


def output_layers(model: nn.Module, path: str, output: str | None) -> dict[str, nn.Linear]:
    """Return, by name as in `named_modules`, the output layers with a row for each row of the embedding at `path`.

    These are the layers that hold the embedding's weight, the one at `output`, and the one that a module around the
    embedding returns from `get_output_embeddings`, as those of Hugging Face do.

    Raises:
        ModulePathError: at `output` is no linear layer with as many rows.
    """
    embedding = embedding_at(model, path)
    found = {holder.path: holder.module for holder in holders(model, embedding.weight)}
    candidates: list[nn.Module | None] = [] if output is None else [_checked(model, output, len(embedding.weight))]
    candidates += [_declared(module) for module in modules_around(model, [full_path(model, path)])]
    for layer in candidates:
        if isinstance(layer, nn.Linear) and len(layer.weight) == len(embedding.weight):
            found |= {name: layer for name, module in model.named_modules() if module is layer}
    return {name: layer for name, layer in found.items() if isinstance(layer, nn.Linear)}


def _checked(model: nn.Module, output: str, rows: int) -> nn.Module:
    layer = module_at(model, output)
    if not isinstance(layer, nn.Linear) or len(layer.weight) != rows:
        size = f" of {len(layer.weight)} rows" if isinstance(layer, nn.Linear) else ""
        raise ModulePathError(
            f"expected nn.Linear of {rows} rows at {output!r}, found {type(layer).__name__}{size}; name the output "
            "layer that has a row for each row of the embedding, or none"
        )
    return layer


def _declared(module: nn.Module) -> nn.Module | None:
    declared = getattr(module, "get_output_embeddings", None)
    return declared() if callable(declared) else None


def output_biases(model: nn.Module, names: Iterable[str], rows: int) -> list[Tensor]:
    """Return the biases of the output layers `names`, their own and those that modules around them add to the outputs.

    The latter are parameters and buffers with `rows` entries and a name that libraries give to such a bias.
    """
    biases: dict[int, Tensor] = {}
    for module in [*map(model.get_submodule, names), *modules_around(model, names)]:
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if name in OUTPUT_BIASES and tensor.numel() == rows and tensor.shape[-1] == rows:
                biases[id(tensor)] = tensor
    return list(biases.values())


def weights_of(embedding: Embedding, layers: dict[str, nn.Linear]) -> list[nn.Parameter]:
    """Return the weights of `embedding` and of output `layers`, each once."""
    parts: tuple[nn.Module, ...] = (embedding, *layers.values())
    return list({id(part.weight): part.get_parameter("weight") for part in parts}.values())


def follow_vocabulary(model: nn.Module, names: Iterable[str], have: int, now: int) -> None:
    """Let the modules around `names`, as in `named_modules`, and their configs say that `have` rows became `now`."""
    follow(model, names, resized(VOCABULARY, have, now))
