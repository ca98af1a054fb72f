"""What a paper takes from a report: tables as LaTeX, a paragraph on methods, and the works that it cites."""
