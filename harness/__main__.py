"""`python -m harness`, and what the command `harness` calls."""

from harness.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
