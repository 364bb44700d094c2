"""Links, addresses, routes and rules of the appliance: desired state, found state, and the changes between them.

``desired`` (site -> state) and ``plan`` (found, desired -> changes) are pure; ``kernel`` reads and applies
over rtnetlink.
"""
