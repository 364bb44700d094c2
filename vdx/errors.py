"""The root of every error this project raises on purpose.

VdxError                    what is wrong, where, and what to do, in one sentence
├── vdx.wire.WireError      a message on one of our own sockets cannot be used
├── vdx.site.SiteError      a site file cannot be used
├── nft.errors.NftError     the kernel or the compiler refused a ruleset
├── b2bua.vault, .bindings, .call.credentials, .call.tokens   secrets or registrations that cannot be used
├── gatewayd.errors.*       the appliance cannot do what it was asked
└── lab.errors.LabError     the lab cannot do what it was asked

`b2bua.sip` and `b2bua.sdp` know only the standard library and have trees of their own.
"""


class VdxError(Exception):
    """Say in one sentence what is wrong, where, and what to do; programs print it and exit with status 2."""
