"""What was: the history API with its keys, and the monthly report of use."""
