"""The engine of firewalld as a program: does what each line on its input says, answers with the CPU seconds it took.

It runs under Debian's Python, which has the module, and imports nothing of ours. Its argument is the folder of the
configuration; lines are ``start``, ``reload``, ``add POLICY RULE`` and ``remove POLICY RULE``.
"""

from __future__ import annotations

import importlib
import resource
import sys
import time


def main(folder: str) -> None:
    """Serve until the input ends."""
    config = importlib.import_module("firewall.config")
    config.set_system_config_paths(folder)
    config.set_default_config_paths(folder)
    firewall = importlib.import_module("firewall.core.fw").Firewall()
    rich = importlib.import_module("firewall.core.rich").Rich_Rule
    for line in sys.stdin:
        verb, _, rest = line.strip().partition(" ")
        policy, _, rule = rest.partition(" ")
        began = _spent()
        if verb == "add":
            firewall.policy.add_rule(policy, rich(rule_str=rule))
        elif verb == "remove":
            firewall.policy.remove_rule(policy, rich(rule_str=rule))
        elif verb == "reload":
            firewall.reload()
        else:
            firewall.start()
        print(_spent() - began, flush=True)


def _spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main(sys.argv[1])
