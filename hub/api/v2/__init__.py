"""The 23 operations of the video API, version 2."""
