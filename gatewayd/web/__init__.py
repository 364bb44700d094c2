"""`gatewayd-web`: the management API and page, on the mgmt zone.

Unprivileged. It knows who asks, by token or certificate, and speaks for that one to `gatewayd` over a UNIX socket;
what somebody may do, `gatewayd` decides.
"""
