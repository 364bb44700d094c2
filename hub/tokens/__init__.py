"""Who asks: tokens verified, and the claims that the video API reads."""
