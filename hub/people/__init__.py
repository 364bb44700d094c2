"""People: how they log in (OpenID Connect, a provider for each organisation), and who stands behind a page's request.

`claims` reads what a provider says of somebody (pure), `provider` asks it, `sessions` remembers who is logged in,
`routes` are the pages on the way. Every page for people takes `guard.person` as its dependency.
"""
