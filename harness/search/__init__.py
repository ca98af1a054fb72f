"""Studies: what is searched, who proposes, and how the runs of a study are run.

`find` can be imported without loading anything heavy.
"""
