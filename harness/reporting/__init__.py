"""Reports: finished runs become one frame, statistics, figures, tables, and a verdict in words.

Read `report.write_report` first. Nothing here trains, tracks or loads torch; pandas, SciPy, matplotlib and Jinja are
imported in this layer alone, by the modules that need them.

```
collect      ledger and histories -> tidy frames
pairing      runs -> paired differences      alignment   curves -> steps since the growth, paired
statistics   estimates and intervals         verdict     what they mean, in one sentence
missingness  runs without a result, what they count as    collapse    how often runs come to nothing
secondary    further metrics, with Holm   importance  which searched fields matter
reservations what weakens a comparison    planning    from a pilot to the size of a study
measures     metrics in words and units      wording     numbers and names as they are written
tables       numbers to read                 figures     numbers to see; no figure computes a statistic
exhibits     a figure, its caption, its data
narrative    the sentences around all this
rendering    HTML and Markdown               publishing  all files, or none
```
"""
