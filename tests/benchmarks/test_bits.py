import numpy as np
import pytest

from harness.benchmarks.bits import Values, differing_bits

ONE = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("other", "bits"),
    [
        ({"a": ONE}, 0),
        ({"a": np.array([1.0, np.nextafter(2.0, 3.0)])}, 1),
        ({"a": np.array([-1.0, -2.0])}, 2),
        ({}, 128),
        ({"a": ONE, "b": np.float32(0.0).reshape(())}, 32),
        ({"a": ONE.reshape(2, 1)}, 128),
    ],
)
def test_every_bit_counts(other: Values, bits: int) -> None:
    assert differing_bits({"a": ONE}, other) == differing_bits(other, {"a": ONE}) == bits


def test_the_signs_of_zero_differ_and_the_same_nan_does_not() -> None:
    assert differing_bits({"a": np.array([0.0, np.nan])}, {"a": np.array([-0.0, np.nan])}) == 1
