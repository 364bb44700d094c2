"""The organisation API, version 2: the tree of organisations, kept by administrators of its parts."""
