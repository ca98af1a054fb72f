"""What a study may be called. Nothing heavy is imported here, so that a name is checked before a study is written."""

import re

__all__ = ["LONGEST_NAME", "check_study_name"]

LONGEST_NAME = 80
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
REST = re.compile(r"[^a-z0-9_]+")


def check_study_name(name: str) -> str:
    """Return `name`, of which folders, runs and addresses are made. Raises `ValueError` if it cannot be one."""
    if len(name) > LONGEST_NAME:
        raise ValueError(f"expected a name of at most {LONGEST_NAME} characters, found {len(name)}: {name[:20]!r}...")
    if not NAME.fullmatch(name):
        like = REST.sub("-", name.lower()).strip("-_")
        such = f", such as {like!r}" if like else ""
        raise ValueError(
            f"expected a name of lower-case letters, digits, - and _, that begins with a letter or digit{such}; "
            f"found {name!r}"
        )
    return name
