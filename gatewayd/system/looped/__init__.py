"""A call of this version to itself: its own programs in a throw-away network, two telephones, media both ways."""
