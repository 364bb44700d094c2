"""The video API on the wire: requests read and bounded, answers written as clients of the original expect them."""
