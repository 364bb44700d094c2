"""`mixerctl`: rooms, who is in them, and what a mixing server does."""
