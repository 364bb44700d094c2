"""What the API does: meetings made, changed and ended, rooms picked and reported, templates kept.

Every function is a part of one transaction: it takes its connection, and the `Office` that knows settings and clock.
"""
