"""Figures: each module draws one from frames that hold everything it shows."""
