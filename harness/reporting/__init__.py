"""Reports: finished runs become data, the data becomes statistics, figures, tables, and a verdict in words.

Read `report.write_report` first. Nothing here trains, tracks or loads torch; pandas, PyArrow, SciPy, matplotlib and
Jinja are imported in this layer alone, by the modules that need them.

```
collect      ledger and histories -> the study's data
data_files   that data as files, from which alone everything below follows      environment  what it was written with
pairing      runs -> paired differences      alignment   curves -> steps since the growth, paired
statistics   estimates and intervals         verdict     what they mean, in one sentence
missingness  runs without a result, what they count as    collapse    how often runs come to nothing
secondary    further metrics, with Holm   robustness  the answer by other methods, and what could have been found
importance   which searched fields matter, by fanova and ped_anova; drivers  for the difference and for the metric
integrity    badges: conditions of a fair comparison, computed; fairness, recorded, planned_configs  what they look at
pareto       trade-offs between objectives
reservations what weakens a comparison    planning    from a pilot to the size of a study
measures     metrics in words and units      wording     numbers and names as they are written
tables       numbers to read                 figures     numbers to see; no figure computes a statistic
exhibits     a figure, its caption, its data
narrative    the sentences around all this   reproduction  the commands that make it anew
rendering    HTML and Markdown               manifest    the hash of every file
publishing   all files, or none
verify       a report as it lies there, against its manifest and its data       sample  runs to train again
compare      two reports of one study, side by side
```
"""
