"""The page: written on the server, so that it works without a build; small modules of JavaScript keep it fresh."""
