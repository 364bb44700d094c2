"""`gatewayctl`: how people ask and steer the appliance."""

from gatewayd.ctl.command import main

__all__ = ["main"]
