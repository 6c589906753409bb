//! The supervised actors: supervisor, loader, health monitor and one generic component actor.
