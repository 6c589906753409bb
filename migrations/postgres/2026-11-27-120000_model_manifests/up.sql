-- Manifests in a table of their own, so that a listing of versions does not read them.

-- What a model was made from, as it was committed. Models from before there was a registry have none.
CREATE TABLE model_manifests (
    seq             BIGINT NOT NULL PRIMARY KEY,
    snapshot_sha256 TEXT NOT NULL,
    key_id          TEXT,
    signature       TEXT,
    manifest        TEXT NOT NULL
);
INSERT INTO model_manifests (seq, snapshot_sha256, key_id, signature, manifest)
SELECT seq, snapshot_sha256, key_id, signature, manifest FROM model_versions WHERE manifest IS NOT NULL;

ALTER TABLE model_versions DROP COLUMN snapshot_sha256;
ALTER TABLE model_versions DROP COLUMN key_id;
ALTER TABLE model_versions DROP COLUMN signature;
ALTER TABLE model_versions DROP COLUMN manifest;
