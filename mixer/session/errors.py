"""What can be wrong with a description beyond its grammar (`b2bua.sdp.SdpError`)."""


class SessionError(Exception):
    """No stream is left that a room could use; `status` is the SIP answer."""

    status = 488
