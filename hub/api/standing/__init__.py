"""What is always there, on the wire: rooms of persons and departments, room systems, themes, message templates."""
