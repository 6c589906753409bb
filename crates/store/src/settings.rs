//! What can be set about the store.

/// When a write counts as kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// An answered write survives the end of the process, however sudden (`kill -9`), but a power cut may cost the
    /// last ones. The database stays sound. (`synchronous = NORMAL`)
    Normal,
    /// An answered write is on the disk: it survives a power cut too. (`synchronous = FULL`)
    #[default]
    Full,
}

/// Limits and habits of the store.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Write requests that may wait; one more is answered `Busy`.
    pub queue_capacity: usize,
    /// Records that may wait in all requests together; a request beyond it is answered `Busy` unless it is alone.
    pub queue_rows: usize,
    /// Records after which no further request joins a transaction.
    pub group_commit_rows: usize,
    /// Connections for reading, and so reads at a time.
    pub readers: usize,
    /// Longest wait for a lock another process holds, or for a free reader, in milliseconds.
    pub busy_timeout_ms: u64,
    /// What `Busy` tells the caller to wait, in milliseconds.
    pub retry_after_ms: u64,
    /// When a write counts as kept.
    pub durability: Durability,
    /// Bytes the database file may grow to; a write beyond it fails as on a full disk.
    pub file_bytes_max: u64,
    /// Pages the write-ahead log may grow to before they are moved into the database file.
    pub checkpoint_pages: u32,
    /// Models of a component whose snapshots are kept beside the live one and those with an alias: the newest ones.
    pub keep_models: usize,
    /// What manifests are signed with; they are not signed where there is none.
    #[serde(skip)]
    pub signing_key: Option<SigningKey>,
}

/// A secret that manifests are signed with. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// A key of these bytes, best 32 that nobody can guess.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(not shown)")
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            queue_capacity: 1024,
            queue_rows: 65_536,
            group_commit_rows: 8192,
            readers: 3,
            busy_timeout_ms: 5000,
            retry_after_ms: 50,
            durability: Durability::Full,
            file_bytes_max: 1 << 40,
            checkpoint_pages: 8192,
            keep_models: 20,
            signing_key: None,
        }
    }
}
