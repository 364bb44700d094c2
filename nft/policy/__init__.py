"""What may pass between zones: the policy as people mean it, and everything worked out from it. Pure.

``model`` and ``agreement`` (what a policy says), ``check`` (errors that refuse it), ``compile`` (-> ``tables``),
``verdict`` (what happens to a packet), ``ruleset`` (tables -> text for the kernel), ``opening`` (agreements -> elements
with their times), ``lint`` (what is most likely a mistake), ``diff`` (paths opened and closed between two policies).
Below them: ``prefix``, ``traffic`` and ``packet`` (values), ``interval`` (arithmetic), ``place`` (destination -> zone),
``bogons`` (no source of the internet), ``match`` (where rules meet), ``parts`` (names by content, and how one version
follows another), ``chains``, ``translation`` and ``words`` (parts of the text), ``fault`` (findings).
"""
