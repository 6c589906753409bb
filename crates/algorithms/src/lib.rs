//! Numerical algorithms on ndarray in the style of linfa, usable without the runtime.
