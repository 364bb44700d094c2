"""Rooms made and removed: scheduling infos become records on the bus, and what became of them is written back.

`record` says what a room is on the bus (pure), `pools` keeps free rooms ready, `reconciler` does what is due, `relay`
tells what happened. Other provisioners may serve some organisations through the API instead.
"""
