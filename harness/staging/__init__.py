"""Runs are cut into stages; what the stage store has is restored, the rest is trained.

`ledger` and `histories` can be read without loading torch.
"""
