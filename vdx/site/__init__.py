"""The site file: one for firewall, network, peers, dial plan and limits; read by `gatewayd` and `certd`."""

from vdx.site.model import Site
from vdx.site.source import SiteError, load, parse

__all__ = ["Site", "SiteError", "load", "parse"]
