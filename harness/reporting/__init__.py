"""Reports: finished runs become data, the data becomes statistics, figures, tables, and a verdict in words.

Read `report.write_report` first. Nothing here trains, tracks or loads torch; pandas, PyArrow, SciPy, matplotlib and
Jinja are imported in this layer alone, by the modules that need them.

```
report        the order of events
data          ledger and histories -> a study, its runs, their curves; measures and numbers as they are written
statistics    estimates and intervals
analysis      the numbers behind figures and tables: paired differences, failure rates, equal cost, trade-offs ...
importance    which searched fields matter
checks        badges: conditions of a fair comparison, computed
figures       numbers to see                         tables        numbers to read
text          the verdict and the sentences around it
collection    work without interruption by the garbage collector
publication   contents -> files: pages, data, manifest; all of them, or none
verification  a written report, against its manifest, its data, another report, or runs trained again
```
"""
