"""What a model card says of preprocessing, for people to read."""

from collections.abc import Iterable, Sequence

from harness.api.exporting.raw_example import EXAMPLE
from harness.data.preprocessing import FILE, Prediction, RawArray, RawCharacters, RawColumn, RawInputs, RawRows

__all__ = ["input_rows", "prediction_rows", "preprocessing_words"]

MOST = 20  # columns, or names, that a card shows


def preprocessing_words(raw: RawInputs | None, kind: str) -> str:
    """Return in a sentence or two how raw examples become inputs."""
    if raw is None:
        return (
            f"How inputs are made of raw examples is known to the code of the task `{kind}` alone: a method "
            "`preprocessing_from` of it could say."
        )
    if isinstance(raw, RawRows):
        return (
            f"`preprocessing.inputs` takes rows as they are in a table with these columns{_written(raw)}: those that "
            "`preprocessing.read` returns of a CSV file, dictionaries, or a data frame of pandas. Other columns "
            f"are passed over. `{EXAMPLE}` has the names of the columns and a made-up row; `{FILE}` has all digits."
        )
    if isinstance(raw, RawArray):
        shape = ", ".join(map(str, ("N", *raw.stored)))
        return f"`preprocessing.inputs` takes {raw.dtype} arrays `[{shape}]`.{_computed(raw)}"
    if isinstance(raw, RawCharacters):
        return f"`preprocessing.inputs` takes texts of {raw.length} characters, each among `{raw.characters!r}`."
    return f"`preprocessing.inputs` takes texts; `tokenizer.json` makes {raw.length} tokens of each, padded or cut off."


def input_rows(raw: RawRows) -> Iterable[Sequence[object]]:
    """Yield column, what its fields become, and what stands for an empty one."""
    for column in raw.columns[:MOST]:
        empty = "refused" if column.fill is None else f"{column.fill}" if column.categories else f"{column.fill:.6g}"
        yield f"`{column.name}`", _becomes(column), empty
    if (more := len(raw.columns) - MOST) > 0:
        yield f"{more} more", f"in `{FILE}`", ""


def prediction_rows(predictions: Iterable[Prediction]) -> Iterable[Sequence[object]]:
    """Yield what is predicted, by which outputs, and how."""
    for answer in predictions:
        yield f"`{answer.name}`", ", ".join(f"`{name}`" for name in answer.outputs), _predicted(answer)


def _written(raw: RawRows) -> str:
    written = [f"`{raw.decimal}` before fractions"] if raw.decimal != "." else []
    written += [f"`{raw.delimiter}` between the fields of a CSV file"] if raw.delimiter != "," else []
    written += [f"fields empty that hold {' or '.join(f'`{text}`' for text in raw.missing)}"] if raw.missing else []
    return ", ".join(["", *written])


def _becomes(column: RawColumn) -> str:
    if column.categories:
        return f"1 where it is the category, else 0, for each of {_listed(column.categories)}"
    return "the number itself" if (column.mean, column.std) == (0, 1) else _scaled("x", column.mean, column.std)


def _scaled(value: str, mean: float, std: float) -> str:
    return f"({value} {'+' if mean < 0 else '-'} {abs(mean):.6g}) / {std:.6g}"


def _computed(raw: RawArray) -> str:
    steps = [f"{raw.padding} zeros are added on each side"] if raw.padding else []
    divided = f"x / {raw.scale:g}" if raw.scale != 1 else "x"
    if any(raw.mean) or any(each != 1 for each in raw.std):
        mean, std = (values[0] if len(values) == 1 else list(values) for values in (raw.mean, raw.std))
        divided = f"({divided} - {mean}) / {std}"
    steps += [f"each number becomes {divided}"] if divided != "x" else []
    return f" {' and '.join(steps).capitalize()}." if steps else " They are read as they are."


def _predicted(answer: Prediction) -> str:
    if answer.kind == "classes":
        names = [name for own in answer.columns for name in own if name is not None]
        return f"the one with the largest value of {_listed(names)}"
    columns = f" of {_listed(answer.columns[0])}" if answer.columns else ""
    if answer.kind == "binary":
        return f"the probability of a yes{columns}"
    unit = f", in {answer.unit}" if answer.unit else ""
    scaled = f"value * {answer.std:.6g} + {answer.mean:.6g}" if (answer.mean, answer.std) != (0, 1) else "the value"
    return f"{scaled}{columns}{unit}"


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(map(str, names[:MOST]))
    return f"{shown} and {len(names) - MOST} more" if len(names) > MOST else shown
