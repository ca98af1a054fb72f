"""The colors of arms, wherever they are drawn."""

__all__ = ["ARM_COLORS", "color_of"]

# Okabe and Ito's orange and blue, one darker, so that they differ in gray, too; then four that differ from both.
ARM_COLORS = ("#d97706", "#1d4e89", "#117a5b", "#8f4a86", "#4b5563", "#56b4e9")


def color_of(place: int) -> str:
    """Return the color of the arm in this place; beyond six, colors come again."""
    return ARM_COLORS[place % len(ARM_COLORS)]
