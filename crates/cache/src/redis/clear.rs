//! Removing all of our entries: by a connection of its own, so that nobody's question waits for it.

use std::io;
use std::time::Duration;

use redis::RedisError;
use tokio::time::Instant;

use super::{CONNECT_FACTOR, RedisSettings};

/// Names the server is asked for at a time.
const PAGE: usize = 1_000;

/// Removes every entry whose name begins with the namespace. Linear in the number of all entries of the server.
pub(super) fn clear(settings: &RedisSettings, limit: Duration) -> Result<(), RedisError> {
    let until = Instant::now() + limit;
    let client = redis::Client::open(settings.url.as_str())?;
    let mut connection = client.get_connection_with_timeout(limit.min(settings.timeout * CONNECT_FACTOR))?;
    let pattern = format!("{}:*", literal(&settings.namespace));
    let mut cursor = 0u64;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "took too long").into());
        }
        connection.set_read_timeout(Some(left))?;
        connection.set_write_timeout(Some(left))?;
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(PAGE);
        let (next, names): (u64, Vec<Vec<u8>>) = scan.query(&mut connection)?;
        if !names.is_empty() {
            redis::cmd("DEL").arg(names).exec(&mut connection)?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

/// The name with what a pattern would take for a wildcard written as itself.
fn literal(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
