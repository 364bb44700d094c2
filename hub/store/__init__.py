"""What the hub keeps: the same tables on SQLite (one machine) and PostgreSQL (production).

`database` opens it and runs transactions, `tables` says what is in it, `migrations/` how it came about. Every other
module holds the statements about one kind of object; they take the connection of the transaction that they are part of.
"""
