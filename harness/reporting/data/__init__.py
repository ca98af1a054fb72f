"""What a report is made of: a study, its runs, their curves, as frames."""
