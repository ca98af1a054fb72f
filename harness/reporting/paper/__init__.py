"""What a paper takes from a report: tables as LaTeX, figures as PDF, a paragraph on methods, and what it cites."""
