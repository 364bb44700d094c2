"""Health checks shown: as JSON for monitoring, as pages for people."""
