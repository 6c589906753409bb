-- Who has a lease, where several runtimes share a database. An SQLite file belongs to one: it stays empty.
ALTER TABLE leases ADD COLUMN holder INTEGER;
