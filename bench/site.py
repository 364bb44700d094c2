"""The lab's site file, made larger: media addresses for more streams than one address has ports for."""

from __future__ import annotations

from ipaddress import ip_interface

import yaml

from lab.lab import Lab

ZONES = ("sdn", "internet")


def add_media_addresses(lab: Lab, count: int) -> None:
    """Give both sides `count` more IPv4 media addresses each; call it before `gatewayd` starts.

    A port rests for 60 s after its call, so one address carries about 40 calls/s of two streams for long.
    """
    document = yaml.safe_load(lab.state.site.read_text())
    for zone in ZONES:
        settings = document["zones"][zone]
        first = next(address for address in map(ip_interface, settings["addresses"]) if address.version == 4)
        for number in range(1, count + 1):
            more = first.ip + number
            settings["addresses"].append(f"{more}/{first.network.prefixlen}")
            settings["media"]["addresses"].append(str(more))
    lab.state.site.write_text(yaml.safe_dump(document, sort_keys=False))
