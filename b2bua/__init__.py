"""The B2BUA: ends every SIP dialog at the edge and starts another on the other side."""
