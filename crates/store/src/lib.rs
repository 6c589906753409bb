//! The SQLite store of the data hub.
