//! The catalogue of machine-learning components.
