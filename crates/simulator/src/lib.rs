//! Prompt histories with planted truths.
