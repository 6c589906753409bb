//! Hyperparameters of an autoencoder.

use linfa::ParamGuard;

use super::errors::AutoencoderParamsError;

/// Checked hyperparameters of [`Autoencoder`](super::Autoencoder); made by [`AutoencoderParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutoencoderValidParams {
    pub(super) code: usize,
    pub(super) hidden: usize,
    pub(super) epochs: usize,
    pub(super) patience: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
    pub(super) held_out: f64,
    pub(super) seed: u64,
}

/// Unchecked hyperparameters: 32 hidden units on either side, at most 200 epochs and 10 without progress, batches of 64 rows,
/// learning rate .002, 15 % of the rows held out and seed 0, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutoencoderParams(AutoencoderValidParams);

impl AutoencoderParams {
    /// The defaults for a code of so many numbers, 1 to 256 and at most as many as there are columns.
    pub fn new(code: usize) -> Self {
        Self(AutoencoderValidParams {
            code,
            hidden: 32,
            epochs: 200,
            patience: 10,
            batch: 64,
            learning_rate: 0.002,
            held_out: 0.15,
            seed: 0,
        })
    }
    /// Hidden units on either side of the code, 1 to 1,024.
    #[must_use]
    pub fn hidden(mut self, hidden: usize) -> Self {
        self.0.hidden = hidden;
        self
    }
    /// Most passes over the rows, 1 to 10,000.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.0.epochs = epochs;
        self
    }
    /// Training stops after so many passes without progress on the rows held out, 1 to 10,000.
    #[must_use]
    pub fn patience(mut self, patience: usize) -> Self {
        self.0.patience = patience;
        self
    }
    /// Rows whose mean gradient makes one step, 1 to 65,536.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.0.batch = batch;
        self
    }
    /// Length of the steps, above 0 and at most 1.
    #[must_use]
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.0.learning_rate = learning_rate;
        self
    }
    /// Share of the rows that only say when to stop, above 0 and at most .5.
    #[must_use]
    pub fn held_out(mut self, held_out: f64) -> Self {
        self.0.held_out = held_out;
        self
    }
    /// Seed of the first weights and of the order of the rows.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for AutoencoderParams {
    type Checked = AutoencoderValidParams;
    type Error = AutoencoderParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        let AutoencoderValidParams { epochs, patience, .. } = *params;
        if !(1..=256).contains(&params.code) {
            return Err(AutoencoderParamsError::Code(params.code));
        }
        if !(1..=1024).contains(&params.hidden) {
            return Err(AutoencoderParamsError::Hidden(params.hidden));
        }
        if !(1..=10_000).contains(&epochs) || !(1..=10_000).contains(&patience) {
            return Err(AutoencoderParamsError::Epochs { epochs, patience });
        }
        if !(1..=65_536).contains(&params.batch) {
            return Err(AutoencoderParamsError::Batch(params.batch));
        }
        if !(params.learning_rate > 0.0 && params.learning_rate <= 1.0) {
            return Err(AutoencoderParamsError::LearningRate(params.learning_rate));
        }
        if !(params.held_out > 0.0 && params.held_out <= 0.5) {
            return Err(AutoencoderParamsError::HeldOut(params.held_out));
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_refused_by_name() {
        let error = |params: AutoencoderParams| params.check().unwrap_err().to_string();
        let params = AutoencoderParams::new(2);
        assert!(params.check().is_ok());
        assert!(error(AutoencoderParams::new(0)).starts_with("a code of 0 numbers"));
        assert!(error(params.hidden(0)).starts_with("0 hidden units"));
        assert!(error(params.epochs(0)).starts_with("0 epochs"));
        assert!(error(params.patience(0)).starts_with("200 epochs, 0 without"));
        assert!(error(params.batch(0)).starts_with("batches of 0 rows"));
        assert!(error(params.learning_rate(f64::NAN)).starts_with("the learning rate is NaN"));
        assert!(error(params.held_out(0.6)).starts_with("the share held out is 0.6"));
    }
}
