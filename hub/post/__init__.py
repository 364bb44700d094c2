"""Messages carried to people: `mail` by SMTP, `sms` by a gateway, `round` takes what is due and tries again.

Messages are written by `hub.booking.notices` with the change they tell of; here they only leave.
"""
