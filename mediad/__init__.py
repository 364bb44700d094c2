"""The user-space relay: the few streams that the kernel cannot carry, on sockets handed over by `gatewayd`."""
