"""The programs of the edge."""

PROGRAMS = ("gatewayd", "mediad", "b2bua")
