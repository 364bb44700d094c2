"""The first version of the video API: gone. Who still calls is told where to go, and counted."""
