"""`certd`: obtains and renews the certificates of public names (RFC 8555). A timer starts it, and it ends by itself."""
