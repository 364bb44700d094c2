"""An installation of the house on one machine: every host is a network namespace.

`topology` describes it (pure), `wiring` makes the kernel agree with the description, `lab` owns its life from up to
down, `programs` starts what runs on the edge, `agent` and `call` place real calls across it, `__main__` is the command.
"""
