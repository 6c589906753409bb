-- The hub's layout on PostgreSQL: the tables and columns are SQLite's. docs/storage.md explains them.
-- Names compare byte by byte ("C"), so that their order is the same on every database.
-- Times are microseconds since 1970-01-01T00:00:00Z. `seq` is the row's place in the one global, gapless order.

CREATE TABLE hub_state (
    id       BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    last_seq BIGINT  NOT NULL
);
INSERT INTO hub_state (id, last_seq) VALUES (1, 0);
-- How the program knows the schema as its own.
COMMENT ON TABLE hub_state IS 'souffleur';

-- Numbers of the runtimes that share the database, each used once: the keys of their advisory locks, which begin with
-- "Souf" in the upper four bytes.
CREATE SEQUENCE holders MINVALUE 6012153108510015489;

CREATE TABLE idempotency_keys (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq BIGINT  NOT NULL,
    id  TEXT    NOT NULL
);

CREATE TABLE rules (
    seq                BIGINT  NOT NULL PRIMARY KEY,
    event_time         BIGINT  NOT NULL,
    known_time         BIGINT  NOT NULL,
    rule_id            TEXT COLLATE "C" NOT NULL UNIQUE,
    description        TEXT,
    category           TEXT,
    priority           BIGINT  NOT NULL DEFAULT 0,
    default_parameters TEXT
);

CREATE TABLE prompt_sessions (
    seq                   BIGINT  NOT NULL PRIMARY KEY,
    event_time            BIGINT  NOT NULL,
    known_time            BIGINT  NOT NULL,
    session_id            TEXT COLLATE "C" NOT NULL UNIQUE,
    project_type          TEXT,
    domain                TEXT,
    complexity            TEXT,
    team_size             BIGINT,
    before_overall_score  DOUBLE PRECISION,
    before_clarity        DOUBLE PRECISION,
    before_completeness   DOUBLE PRECISION,
    before_actionability  DOUBLE PRECISION,
    before_effectiveness  DOUBLE PRECISION,
    quality_score         DOUBLE PRECISION,
    improvement_score     DOUBLE PRECISION,
    tags                  TEXT,
    original_prompt       TEXT    NOT NULL,
    improved_prompt       TEXT
);

CREATE TABLE training_prompts (
    seq                   BIGINT  NOT NULL PRIMARY KEY,
    event_time            BIGINT  NOT NULL,
    known_time            BIGINT  NOT NULL,
    session_id            TEXT COLLATE "C" NOT NULL UNIQUE,
    project_type          TEXT,
    domain                TEXT,
    complexity            TEXT,
    team_size             BIGINT,
    before_overall_score  DOUBLE PRECISION,
    before_clarity        DOUBLE PRECISION,
    before_completeness   DOUBLE PRECISION,
    before_actionability  DOUBLE PRECISION,
    before_effectiveness  DOUBLE PRECISION,
    quality_score         DOUBLE PRECISION,
    improvement_score     DOUBLE PRECISION,
    tags                  TEXT,
    original_prompt       TEXT    NOT NULL,
    improved_prompt       TEXT,
    provenance            TEXT    NOT NULL
);

-- The numbers of both kinds of session, apart from the long texts: what the loader reads.
CREATE TABLE session_features (
    seq               BIGINT  NOT NULL PRIMARY KEY,
    event_time        BIGINT  NOT NULL,
    known_time        BIGINT  NOT NULL,
    synthetic         BIGINT  NOT NULL,
    quality_score     DOUBLE PRECISION,
    improvement_score DOUBLE PRECISION,
    schema_hash       BIGINT  NOT NULL,
    features          BYTEA   NOT NULL
);

CREATE TABLE rule_applications (
    seq               BIGINT  NOT NULL PRIMARY KEY,
    event_time        BIGINT  NOT NULL,
    known_time        BIGINT  NOT NULL,
    session_seq       BIGINT  NOT NULL,
    rule_seq          BIGINT  NOT NULL,
    position          BIGINT  NOT NULL,
    improvement_score DOUBLE PRECISION,
    confidence        DOUBLE PRECISION,
    execution_time_ms DOUBLE PRECISION,
    propensity        DOUBLE PRECISION,
    parameters        TEXT
);
CREATE INDEX rule_applications_by_session ON rule_applications (session_seq);

CREATE TABLE user_feedback (
    seq         BIGINT  NOT NULL PRIMARY KEY,
    event_time  BIGINT  NOT NULL,
    known_time  BIGINT  NOT NULL,
    session_seq BIGINT  NOT NULL,
    rating      BIGINT  NOT NULL CHECK (rating BETWEEN 1 AND 5),
    text        TEXT,
    areas       TEXT
);
CREATE INDEX user_feedback_by_session ON user_feedback (session_seq);

CREATE TABLE metric_points (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    metric     TEXT    NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    value      DOUBLE PRECISION NOT NULL
);
CREATE INDEX metric_points_by_subject ON metric_points (subject, seq);

CREATE TABLE experiments (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX experiments_by_subject ON experiments (subject, seq);

CREATE TABLE experiment_units (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX experiment_units_by_subject ON experiment_units (subject, seq);

CREATE TABLE adversarial_examples (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX adversarial_examples_by_subject ON adversarial_examples (subject, seq);

CREATE TABLE results (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX results_by_subject ON results (subject, seq);

CREATE TABLE patterns (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX patterns_by_subject ON patterns (subject, seq);

CREATE TABLE insights (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX insights_by_subject ON insights (subject, seq);

CREATE TABLE health_events (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX health_events_by_subject ON health_events (subject, seq);

CREATE TABLE checkpoints (
    seq        BIGINT  NOT NULL PRIMARY KEY,
    event_time BIGINT  NOT NULL,
    known_time BIGINT  NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT    NOT NULL
);
CREATE INDEX checkpoints_by_subject ON checkpoints (subject, seq);

-- The right to commit, one per component. An epoch only ever grows.
CREATE TABLE leases (
    component TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch     BIGINT  NOT NULL,
    run_id    TEXT COLLATE "C" NOT NULL,
    expires   BIGINT  NOT NULL,
    holder    BIGINT
);

-- A run has a place in the global order from its commit on; model and lineage share it.
CREATE TABLE runs (
    id          BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      TEXT COLLATE "C" NOT NULL UNIQUE,
    seq         BIGINT UNIQUE,
    component   TEXT COLLATE "C" NOT NULL,
    epoch       BIGINT  NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled', 'abandoned')),
    started     BIGINT  NOT NULL,
    ended       BIGINT,
    watermark   BIGINT,
    schema_hash BIGINT,
    seed        BIGINT,
    duration_ms BIGINT,
    reason      TEXT,
    report      TEXT,
    metrics     TEXT
);
CREATE INDEX runs_by_component ON runs (component, id);
CREATE INDEX runs_unfinished ON runs (id) WHERE state = 'running';

CREATE TABLE models (
    seq         BIGINT  NOT NULL PRIMARY KEY,
    model_id    TEXT COLLATE "C" NOT NULL,
    component   TEXT COLLATE "C" NOT NULL,
    run_id      TEXT COLLATE "C" NOT NULL,
    epoch       BIGINT  NOT NULL,
    watermark   BIGINT  NOT NULL,
    schema_hash BIGINT  NOT NULL,
    created     BIGINT  NOT NULL,
    snapshot    BYTEA   NOT NULL
);
CREATE INDEX models_by_component ON models (component, seq);
CREATE INDEX models_by_id ON models (model_id);

-- The rows a model was trained on: count, then zigzag varints of the differences of differences.
CREATE TABLE lineage (
    seq       BIGINT  NOT NULL PRIMARY KEY,
    model_id  TEXT COLLATE "C" NOT NULL,
    row_count BIGINT  NOT NULL,
    rows      BYTEA   NOT NULL
);
CREATE INDEX lineage_by_model ON lineage (model_id);
