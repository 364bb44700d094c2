"""What meetings, rooms, templates and organisations are, and every rule about them; no I/O, no clock, no chance."""
