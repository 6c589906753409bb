//! The HTTP service, through sockets.

mod cache;
mod components;
mod document;
mod embedded;
mod events;
mod hub;
mod limits;
mod models;
mod problems;
mod records;
