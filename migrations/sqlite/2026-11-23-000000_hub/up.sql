-- The hub's first layout. docs/storage.md explains it.
-- Times are microseconds since 1970-01-01T00:00:00Z. `seq` is the row's place in the one global, gapless order.

-- "Souf": how the program knows the file as its own.
PRAGMA application_id = 0x536f7566;

CREATE TABLE hub_state (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last_seq INTEGER NOT NULL
);
INSERT INTO hub_state (id, last_seq) VALUES (1, 0);

CREATE TABLE idempotency_keys (
    key TEXT    NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    id  TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE rules (
    seq                INTEGER NOT NULL PRIMARY KEY,
    event_time         INTEGER NOT NULL,
    known_time         INTEGER NOT NULL,
    rule_id            TEXT    NOT NULL UNIQUE,
    description        TEXT,
    category           TEXT,
    priority           INTEGER NOT NULL DEFAULT 0,
    default_parameters TEXT
);

CREATE TABLE prompt_sessions (
    seq                   INTEGER NOT NULL PRIMARY KEY,
    event_time            INTEGER NOT NULL,
    known_time            INTEGER NOT NULL,
    session_id            TEXT    NOT NULL UNIQUE,
    project_type          TEXT,
    domain                TEXT,
    complexity            TEXT,
    team_size             INTEGER,
    before_overall_score  REAL,
    before_clarity        REAL,
    before_completeness   REAL,
    before_actionability  REAL,
    before_effectiveness  REAL,
    quality_score         REAL,
    improvement_score     REAL,
    tags                  TEXT,
    original_prompt       TEXT    NOT NULL,
    improved_prompt       TEXT
);

CREATE TABLE training_prompts (
    seq                   INTEGER NOT NULL PRIMARY KEY,
    event_time            INTEGER NOT NULL,
    known_time            INTEGER NOT NULL,
    session_id            TEXT    NOT NULL UNIQUE,
    project_type          TEXT,
    domain                TEXT,
    complexity            TEXT,
    team_size             INTEGER,
    before_overall_score  REAL,
    before_clarity        REAL,
    before_completeness   REAL,
    before_actionability  REAL,
    before_effectiveness  REAL,
    quality_score         REAL,
    improvement_score     REAL,
    tags                  TEXT,
    original_prompt       TEXT    NOT NULL,
    improved_prompt       TEXT,
    provenance            TEXT    NOT NULL
);

-- The numbers of both kinds of session, apart from the long texts: what the loader reads.
CREATE TABLE session_features (
    seq               INTEGER NOT NULL PRIMARY KEY,
    event_time        INTEGER NOT NULL,
    known_time        INTEGER NOT NULL,
    synthetic         INTEGER NOT NULL,
    quality_score     REAL,
    improvement_score REAL,
    schema_hash       INTEGER NOT NULL,
    features          BLOB    NOT NULL
);

CREATE TABLE rule_applications (
    seq               INTEGER NOT NULL PRIMARY KEY,
    event_time        INTEGER NOT NULL,
    known_time        INTEGER NOT NULL,
    session_seq       INTEGER NOT NULL,
    rule_seq          INTEGER NOT NULL,
    position          INTEGER NOT NULL,
    improvement_score REAL,
    confidence        REAL,
    execution_time_ms REAL,
    propensity        REAL,
    parameters        TEXT
);
CREATE INDEX rule_applications_by_session ON rule_applications (session_seq);

CREATE TABLE user_feedback (
    seq         INTEGER NOT NULL PRIMARY KEY,
    event_time  INTEGER NOT NULL,
    known_time  INTEGER NOT NULL,
    session_seq INTEGER NOT NULL,
    rating      INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
    text        TEXT,
    areas       TEXT
);
CREATE INDEX user_feedback_by_session ON user_feedback (session_seq);

CREATE TABLE metric_points (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    metric     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    value      REAL    NOT NULL
);
CREATE INDEX metric_points_by_subject ON metric_points (subject, seq);

CREATE TABLE experiments (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX experiments_by_subject ON experiments (subject, seq);

CREATE TABLE experiment_units (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX experiment_units_by_subject ON experiment_units (subject, seq);

CREATE TABLE adversarial_examples (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX adversarial_examples_by_subject ON adversarial_examples (subject, seq);

CREATE TABLE results (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX results_by_subject ON results (subject, seq);

CREATE TABLE patterns (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX patterns_by_subject ON patterns (subject, seq);

CREATE TABLE insights (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX insights_by_subject ON insights (subject, seq);

CREATE TABLE health_events (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX health_events_by_subject ON health_events (subject, seq);

CREATE TABLE checkpoints (
    seq        INTEGER NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    known_time INTEGER NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX checkpoints_by_subject ON checkpoints (subject, seq);

-- The right to commit, one per component. An epoch only ever grows.
CREATE TABLE leases (
    component TEXT    NOT NULL PRIMARY KEY,
    epoch     INTEGER NOT NULL,
    run_id    TEXT    NOT NULL,
    expires   INTEGER NOT NULL
) WITHOUT ROWID;

-- A run has a place in the global order from its commit on; model and lineage share it.
CREATE TABLE runs (
    id          INTEGER NOT NULL PRIMARY KEY,
    run_id      TEXT    NOT NULL UNIQUE,
    seq         INTEGER UNIQUE,
    component   TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled', 'abandoned')),
    started     INTEGER NOT NULL,
    ended       INTEGER,
    watermark   INTEGER,
    schema_hash INTEGER,
    seed        INTEGER,
    duration_ms INTEGER,
    reason      TEXT,
    report      TEXT,
    metrics     TEXT
);
CREATE INDEX runs_by_component ON runs (component, id);
CREATE INDEX runs_unfinished ON runs (id) WHERE state = 'running';

CREATE TABLE models (
    seq         INTEGER NOT NULL PRIMARY KEY,
    model_id    TEXT    NOT NULL,
    component   TEXT    NOT NULL,
    run_id      TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    watermark   INTEGER NOT NULL,
    schema_hash INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    snapshot    BLOB    NOT NULL
);
CREATE INDEX models_by_component ON models (component, seq);
CREATE INDEX models_by_id ON models (model_id);

-- The rows a model was trained on: count, then zigzag varints of the differences of differences.
CREATE TABLE lineage (
    seq       INTEGER NOT NULL PRIMARY KEY,
    model_id  TEXT    NOT NULL,
    row_count INTEGER NOT NULL,
    rows      BLOB    NOT NULL
);
CREATE INDEX lineage_by_model ON lineage (model_id);
