-- The registry of models, and what was erased. docs/storage.md explains both.

-- A model as its component's version. Narrow, so that a listing does not read snapshots.
CREATE TABLE model_versions (
    seq             INTEGER NOT NULL PRIMARY KEY,
    model_id        TEXT    NOT NULL,
    component       TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    stage           TEXT    NOT NULL CHECK (stage IN ('candidate', 'live', 'archived')),
    reason          TEXT    NOT NULL,
    created         INTEGER NOT NULL,
    watermark       INTEGER NOT NULL,
    schema_hash     INTEGER NOT NULL,
    snapshot_bytes  INTEGER NOT NULL,
    kept            INTEGER NOT NULL,
    erased          INTEGER NOT NULL DEFAULT 0,
    snapshot_sha256 TEXT,
    key_id          TEXT,
    signature       TEXT,
    manifest        TEXT
);
INSERT INTO model_versions (seq, model_id, component, version, stage, reason, created, watermark, schema_hash,
                            snapshot_bytes, kept)
SELECT seq, model_id, component, row_number() OVER (PARTITION BY component ORDER BY seq),
       CASE WHEN seq = (SELECT max(newest.seq) FROM models newest WHERE newest.component = models.component)
            THEN 'live' ELSE 'archived' END,
       'made before there was a registry', created, watermark, schema_hash, length(snapshot), 1
FROM models;
CREATE UNIQUE INDEX model_versions_by_component ON model_versions (component, version);
CREATE INDEX model_versions_by_place ON model_versions (component, seq);
CREATE INDEX model_versions_by_stage ON model_versions (stage, seq);
CREATE UNIQUE INDEX model_versions_live ON model_versions (component) WHERE stage = 'live';
CREATE INDEX model_versions_kept ON model_versions (component, seq) WHERE kept = 1;
CREATE INDEX model_versions_by_id ON model_versions (model_id);

CREATE TABLE model_aliases (
    component TEXT    NOT NULL,
    alias     TEXT    NOT NULL,
    seq       INTEGER NOT NULL,
    PRIMARY KEY (component, alias)
) WITHOUT ROWID;
CREATE INDEX model_aliases_by_seq ON model_aliases (seq);

-- What a model took over from others: the model it started from, the runs whose reports it was handed.
CREATE TABLE model_inputs (
    seq  INTEGER NOT NULL,
    kind TEXT    NOT NULL CHECK (kind IN ('previous', 'product')),
    name TEXT    NOT NULL,
    PRIMARY KEY (seq, kind, name)
) WITHOUT ROWID;
CREATE INDEX model_inputs_by_name ON model_inputs (name);

-- An erasure has a place in the global order; the numbers it erased stay taken.
CREATE TABLE erasures (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    sessions   INTEGER NOT NULL,
    row_count  INTEGER NOT NULL,
    models     INTEGER NOT NULL,
    documents  INTEGER NOT NULL
);
CREATE TABLE tombstones (
    first_seq   INTEGER NOT NULL PRIMARY KEY,
    last_seq    INTEGER NOT NULL,
    erasure_seq INTEGER NOT NULL
);
CREATE INDEX tombstones_by_last ON tombstones (last_seq);
CREATE INDEX tombstones_by_erasure ON tombstones (erasure_seq);
