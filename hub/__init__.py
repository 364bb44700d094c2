"""The hub: meetings, organisations and rooms, and the API that booking and record systems speak.

Pure: ``domain`` (what a meeting is and what may become of it). With the database: ``store``. With the wire: ``api``,
``tokens``.
"""
