"""Certificates of a lab: one authority, a certificate for the edge and one for every host with a user agent."""

import os
from pathlib import Path

from lab.authority import Authority, Pair
from lab.site import EDGE_FILES, callable_hosts, outside_address
from lab.topology import DOMAIN, Topology
from lab.users import B2BUA


def issue(topology: Topology, folder: Path) -> Authority:
    """Write them: each has its host's name, `<host>.lab.example`, its addresses and the one it is seen under."""
    authority = Authority(folder)
    issue_edge(topology, authority)
    for host in callable_hosts(topology):
        own = {str(address.ip) for interface in host.interfaces for address in interface.addresses}
        seen = own | {outside_address(topology, host, 4)}
        authority.issue(host.name, [f"{host.name}.{DOMAIN}", *sorted(seen)], subject=[("serialNumber", host.name)])
    return authority


def issue_edge(topology: Topology, authority: Authority) -> Pair:
    """Write the certificate of the edge, with all its addresses; once more to renew it."""
    addresses = [str(address.ip) for zone in topology.edge for address in zone.addresses]
    edge = authority.issue(EDGE_FILES, [f"edge.{DOMAIN}", *addresses])
    for path in edge.texts:
        os.chown(path, B2BUA.uid, B2BUA.gid)
    return edge
