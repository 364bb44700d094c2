"""Invitations on the wire: people invited to meetings, organisations' words, the SMS API."""
