"""The kernel's side of the edge: rulesets compiled by pure code, and the media relay's elements over netlink.

Pure: ``model`` (what a ruleset is made from), ``number`` (pinholes as packet marks), ``schema`` (sets of both tables),
``ruleset`` (model -> text), ``relay`` (bridges -> element operations), ``attributes``, ``elements`` and ``declaration``
(bytes on netlink).
With the kernel: ``apply`` (a whole ruleset in one transaction), ``netlink`` (single elements), ``kernel`` (the relay's
operations, counters and adoption), ``nflog`` (sources that pinholes have learned).
"""
