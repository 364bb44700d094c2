"""Versions of the site: kept on disk, put together from fragments, applied with a way back, journalled.

The journal is the state: every change is one line appended to it, and what counts after a power cut is what its whole
lines say. Contents stand beside it under their digests, written before a line names them.
"""
