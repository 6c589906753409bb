//! What the search asks of the data.

use crate::watch::{Interrupted, Progress};

/// Asked by long tests whether to go on.
#[derive(Clone, Copy)]
pub struct GoOn<'a>(Option<&'a Progress<'a>>);

impl std::fmt::Debug for GoOn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GoOn")
    }
}

impl<'a> GoOn<'a> {
    /// Nobody will interrupt.
    pub const ALWAYS: Self = Self(None);

    pub(crate) fn while_asked(progress: &'a Progress<'a>) -> Self {
        Self(Some(progress))
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Interrupted`] when the computation should stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.0.map_or(Ok(()), |progress| progress.advance(0))
    }
}

/// A test of conditional independence on one data set. Used by many threads at once.
pub trait IndependenceTest: Sync {
    /// Buffers that one thread uses again and again. They carry no information from one test to the next.
    type Scratch: Send;

    /// How many variables there are.
    fn variables(&self) -> usize;

    /// New buffers.
    fn scratch(&self) -> Self::Scratch;

    /// The probability of data that look at least as dependent as these if `x` and `y` were independent given the variables
    /// `given`, in [0, 1]. `x < y`, and `given` is ascending and holds neither. 1 where the data cannot tell.
    ///
    /// A test of more than some milliseconds asks `go_on` now and then.
    ///
    /// # Errors
    /// [`Interrupted`] passed on from `go_on`.
    fn p_value(
        &self,
        x: usize,
        y: usize,
        given: &[usize],
        scratch: &mut Self::Scratch,
        go_on: GoOn<'_>,
    ) -> Result<f64, Interrupted>;
}
