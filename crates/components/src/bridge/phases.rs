//! Between a job of the runtime and the watch an algorithm reports to.

use souffleur_algorithms::Interrupted;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

/// Units one phase of a run counts for in the progress shown.
const PHASE_UNITS: u64 = 1000;

/// A job seen through the phases of a run, as the watch each phase's algorithm reports to.
pub(crate) struct Phases<'a> {
    job: &'a Job,
    phase: u64,
    phases: u64,
}

impl<'a> Phases<'a> {
    /// The first of `phases`.
    pub(crate) fn new(job: &'a Job, phases: u64) -> Self {
        Self { job, phase: 0, phases }
    }

    /// The watch of the phase at hand.
    pub(crate) fn watch(&self) -> impl Fn(u64, u64) -> Result<(), Interrupted> + Sync + '_ {
        let (start, total) = (self.phase * PHASE_UNITS, self.phases * PHASE_UNITS);
        move |done, of| {
            let share = done.min(of).saturating_mul(PHASE_UNITS) / of.max(1);
            self.job.tick(start + share, total).map_err(|_| Interrupted)
        }
    }

    /// Goes on to the next phase.
    ///
    /// # Errors
    /// If the job was interrupted.
    pub(crate) fn next(&mut self) -> Result<(), ComponentError> {
        self.phase += 1;
        Ok(self.job.tick(self.phase * PHASE_UNITS, self.phases * PHASE_UNITS)?)
    }

    /// What an algorithm's error means for the component: the job's own reason if it was interrupted.
    pub(crate) fn failed(&self, error: &dyn std::error::Error) -> ComponentError {
        match self.job.check() {
            Err(interrupted) => interrupted.into(),
            Ok(()) => ComponentError::Data(error.to_string()),
        }
    }
}
