"""What one column of a table holds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.core.written_numbers import has_separated_thousands, is_missing, is_nearly_number, written_number

__all__ = ["MOST_VALUES", "Column"]

MOST_VALUES = 1000  # different ones that are kept of a column
SMALL = re.compile(r"[-+]?\d{1,3}")
NINES = re.compile(r"[-+]?9{2,}([.,]0+)?")


@dataclass
class Column:
    """What one column holds.

    Attributes:
        decimal: what stands before fractions.
        texts: how often each text occurs that is not blank; of the first `MOST_VALUES` different ones.
        numbers: how many fields hold a finite number; `least` and `greatest` are those of them.
        missing: how often each text occurs that stands for no value among numbers, such as `NA`.
        words: how many fields hold any other text; `nearly` are those of them that nearly are numbers, such as 12%.
        first_word: the first of them, and its row.
        origin: the first number; `total` and `squares` are sums of the distances to it, and of their squares.
    """

    name: str
    decimal: str = "."
    rows: int = 0
    blank: int = 0
    texts: dict[str, int] = field(default_factory=dict)
    numbers: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    words: int = 0
    nearly: int = 0
    first_word: tuple[str, int] = ("", 0)
    has_fractions: bool = False
    origin: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    def add(self, text: str, row: int) -> None:
        """Take in the field of one more row, which is the `row`-th of the table."""
        value = text.strip()
        self.rows += 1
        if not value:
            self.blank += 1
            return
        if value in self.texts or len(self.texts) <= MOST_VALUES:
            self.texts[value] = self.texts.get(value, 0) + 1
        number = written_number(value, self.decimal)
        if number is not None:
            self._add_number(number)
        elif is_missing(value):
            self.missing[value] = self.missing.get(value, 0) + 1
        else:
            self.first_word = self.first_word if self.words else (value, row)
            self.words += 1
            self.nearly += is_nearly_number(value)

    def _add_number(self, number: float) -> None:
        self.origin = self.origin if self.numbers else number
        self.numbers += 1
        self.has_fractions = self.has_fractions or number != int(number)
        distance = number - self.origin  # squares of large numbers would leave nothing of small differences
        self.total, self.squares = self.total + distance, self.squares + distance * distance
        self.least, self.greatest = min(self.least, number), max(self.greatest, number)

    @property
    def is_number(self) -> bool:
        """Whether every field is a finite number, or empty."""
        return self.numbers > 0 and not self.words

    @property
    def is_mostly_numbers(self) -> bool:
        """Whether more fields are numbers, or nearly, than are not, though some are none."""
        return self.words > 0 and self.numbers + 2 * self.nearly > self.words

    @property
    def is_whole(self) -> bool:
        """Whether every number is a whole one, such as 3."""
        return self.is_number and not self.has_fractions

    @property
    def empty(self) -> int:
        """The number of fields without a value."""
        return self.blank + (sum(self.missing.values()) if self.is_number else 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each value occurs, as it is written; of the first `MOST_VALUES` different ones."""
        return {text: count for text, count in self.texts.items() if not (self.is_number and text in self.missing)}

    @property
    def sorted_values(self) -> list[str]:
        """The values, numbers by their size."""
        return sorted(self.counts, key=lambda text: (self.number_of(text) if self.is_number else 0, text))

    @property
    def has_repeats(self) -> bool:
        """Whether any value occurs twice, as far as was seen."""
        return any(count > 1 for count in self.counts.values())

    @property
    def numbers_rows(self) -> bool:
        """Whether it only tells rows apart: whole numbers or texts, no two the same as far as was seen."""
        return (self.is_whole or not self.is_number) and not self.has_repeats

    @property
    def counts_rows(self) -> bool:
        """Whether it holds consecutive whole numbers, each once."""
        return self.is_whole and not self.empty and self.numbers_rows and self.greatest - self.least == self.rows - 1

    @property
    def separated_thousands(self) -> str:
        """A number with separated thousands, such as 1,234, if those keep the column from being one of numbers."""
        separated = [text for text in self.texts if has_separated_thousands(text, self.decimal)]
        rest = self.texts.keys() - set(separated)
        if all(is_missing(text) or written_number(text, self.decimal) is not None for text in rest):
            return next(iter(separated), "")
        return ""

    @property
    def perhaps_thousands(self) -> str:
        """A number such as 2.365, which may be 2365, if no other number of the column tells that it is not."""
        divided = [text for text in self.counts if self.decimal in text] if self.is_number else []
        other = {".": ",", ",": "."}[self.decimal]
        rest = self.counts.keys() - set(divided)
        if all(has_separated_thousands(text, other) for text in divided) and all(map(SMALL.fullmatch, rest)):
            return next(iter(divided), "")
        return ""

    @property
    def has_whole_numbers(self) -> bool:
        """Whether a number is written without fraction."""
        return self.is_number and any(self.decimal not in text for text in self.counts)

    @property
    def sentinel(self) -> str:
        """A number of nines, such as -999, that is repeated and lies far from all others: a missing value, perhaps."""
        nines = [text for text, count in self.counts.items() if count > 1 and NINES.fullmatch(text)]
        rest = [self.number_of(text) for text in self.counts if text not in nines] if self.is_number and nines else []
        if len(rest) < 2:
            return ""
        low, high = min(rest), max(rest)
        far = [text for text in nines if max(low - self.number_of(text), self.number_of(text) - high) > high - low]
        return next(iter(far), "")

    @property
    def standard_deviation(self) -> float:
        """Of the numbers."""
        mean = self.total / self.numbers
        return math.sqrt(max(self.squares / self.numbers - mean * mean, 0.0))

    def number_of(self, text: str) -> float:
        """Return the number that a text of the column is."""
        return float(text.replace(self.decimal, "."))
