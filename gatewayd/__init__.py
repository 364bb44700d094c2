"""The owner of the edge appliance: site versions, interfaces, firewall and pinholes; nothing of SIP, no HTTP.

Pure: ``network.desired`` and ``network.plan`` (what must change), ``firewall`` (site -> ruleset model), most of
``pinholes`` (see there). With the kernel: ``network.kernel``, ``version`` (a site version becomes active, or not).
Wiring stands in ``__main__``; people speak to it through ``ctl``.
"""
