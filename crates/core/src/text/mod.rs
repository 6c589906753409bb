//! Placeholder replaced by the text analysis.

/// Ten linguistic features, each in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Linguistic([f32; 10]);

impl Linguistic {
    /// In schema order.
    #[must_use]
    pub fn to_array(&self) -> [f32; 10] {
        self.0
    }
}

/// The ten features of a prompt.
#[must_use]
pub fn linguistic(_text: &str) -> Linguistic {
    Linguistic::default()
}
