"""Media pinholes: who may have which, for how long, and how they get into the kernel and out of it.

Pure: ``policy``, ``bogons``, ``allocate``, ``layout``, ``label``, ``leases``, ``bridges``, ``answers``, ``traffic``.
``desk`` carries out requests (policy, ports, kernel, registry, in that order); ``service`` is the socket to the owners,
``relays`` the one to ``mediad``.
"""
