"""The command line, the only layer that prints; one module per command.

A command imports what it needs when it runs, so that `harness --help` and `harness list` answer at once.
"""
