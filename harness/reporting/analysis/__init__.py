"""What the runs say: the numbers behind figures and tables, which know nothing of either."""
