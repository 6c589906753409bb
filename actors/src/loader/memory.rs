//! Memory accounting: every large allocation of the loader holds a ticket, and tickets never add up to more
//! than the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the bytes in use and refuses what would exceed the limit.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: usize,
    used: AtomicUsize,
}

impl Meter {
    /// A meter that grants up to `limit` bytes.
    #[must_use]
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// The limit in bytes.
    #[must_use]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes in use.
    #[must_use]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    /// Takes `bytes`, or nothing if they are not left.
    #[must_use]
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Ticket> {
        let within = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= self.limit);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, within).ok()?;
        Some(Ticket { bytes, meter: Arc::clone(self) })
    }
}

/// The right to a number of bytes, given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    bytes: usize,
    meter: Arc<Meter>,
}

impl Ticket {
    /// Moves up to `bytes` of this ticket into one of its own.
    #[must_use]
    pub(crate) fn split(&mut self, bytes: usize) -> Ticket {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Ticket { bytes, meter: Arc::clone(&self.meter) }
    }

    /// Takes over the bytes of another ticket of the same meter.
    pub(crate) fn absorb(&mut self, mut other: Ticket) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

/// The memory of a batch. Batches that share features share their ticket.
#[derive(Clone, Debug)]
pub(crate) struct BatchMemory {
    /// Of everything but the features.
    pub(crate) _columns: Arc<Ticket>,
    /// Of the features.
    pub(crate) features: Arc<Ticket>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.meter.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_up_to_the_limit_and_takes_back_what_is_dropped() {
        let meter = Meter::new(10);
        let mut first = meter.take(7).unwrap();
        assert!(meter.take(4).is_none());
        assert!(meter.take(usize::MAX).is_none());
        let part = first.split(5);
        assert_eq!((first.bytes, part.bytes, meter.used()), (2, 5, 7));
        drop(part);
        assert_eq!(meter.used(), 2);
        assert!(meter.take(8).is_some());
    }
}
