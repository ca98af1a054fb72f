r"""LaTeX: how wide texts are in Computer Modern, and other people's words made safe."""

import re

__all__ = ["LINES", "em", "escaped", "pieces", "with_breaks"]

LINES = {r"\small": 37.0, r"\footnotesize": 40.3, r"\scriptsize": 43.0}  # em in a line of an article in 10 points
LONGEST_WORD = 16  # letters; longer ones are divided
PIECE = re.compile(r"[^._/,:=-]{1,16}[._/,:=-]*|[._/,:=-]+")  # of a word that is longer
WIDTHS = {  # em
    **dict.fromkeys("ijl.,:;'|! ", 0.31),
    **dict.fromkeys("ftrsI()[]/-", 0.41),
    **dict.fromkeys("ceza", 0.46),
    **dict.fromkeys("wABCDEFGHKNOPQRTUVXYZ&", 0.76),
    **dict.fromkeys("m%+=<>\N{PLUS-MINUS SIGN}\N{MULTIPLICATION SIGN}\N{MINUS SIGN}\N{EN DASH}", 0.86),
    **dict.fromkeys("MW@\N{EM DASH}", 1.03),
}
OTHER = 0.56  # em; the digits among them need 0.5
SIGNS = {
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\N{MINUS SIGN}": r"$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{EN DASH}": "--",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{NO-BREAK SPACE}": "~",
}


def em(text: str) -> float:
    """Return how wide `text` is, in em, a little more rather than less."""
    return sum(WIDTHS.get(sign, OTHER) for sign in text)


def escaped(text: str) -> str:
    r"""Return `text` with what means something to LaTeX written out.

    >>> escaped("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))


def pieces(word: str) -> list[str]:
    """Return the parts between which a long word, such as a path or a digest, may be divided; others stay whole."""
    return PIECE.findall(word) if len(word) > LONGEST_WORD else [word]


def with_breaks(text: str) -> str:
    """Return `text` made safe, with places at which long words may be divided."""
    return " ".join(r"\allowbreak{}".join(map(escaped, pieces(word))) for word in text.split(" "))
