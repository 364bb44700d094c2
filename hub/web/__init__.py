"""Pages for people who book: meetings, invitations, rooms, words, shares; and where short links lead.

Everything works without scripts; `static/hub.js` only spares people some steps. `pages` writes pages, `words` has their
texts in Danish and English, `forms` reads what was filled in (pure).
"""
