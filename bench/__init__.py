"""Side-by-side measurements against peers: all in one run, medians and ratios."""
