"""The appliance as a machine: its first boot, its versions in two slots, its console, its health."""
