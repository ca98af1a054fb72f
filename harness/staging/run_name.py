"""How a run is called wherever people read of it."""

__all__ = ["run_name"]


def run_name(trial: object, arm: object, seed: object) -> str:
    """Return the name of a run within its study.

    >>> run_name(3, "frozen", 0)
    'trial 3 · frozen · seed 0'
    """
    return f"trial {trial} · {arm} · seed {seed}"
