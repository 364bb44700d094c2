"""The words all programs share: identifiers, the site file, messages on our own wires, the root of errors."""
