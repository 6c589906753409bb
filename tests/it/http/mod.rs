//! The HTTP service, through sockets.
