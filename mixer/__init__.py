"""The mixing core: a conference focus (RFC 4579) with one worker process for each room."""
