"""Tables: numbers to read, one file a table."""
