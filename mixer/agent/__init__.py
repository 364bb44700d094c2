"""The node agent: one program on each mixing server, which answers calls and runs a worker for each room.

`focus` speaks SIP, `caller` is one participant's call, `meeting` one room with its worker, `node` this server's place
on the bus; `app` wires them together.
"""
