//! Reads prompt histories from JSONL, compressed JSONL and CSV through a mapping.
