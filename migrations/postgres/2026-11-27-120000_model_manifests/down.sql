ALTER TABLE model_versions ADD COLUMN snapshot_sha256 TEXT;
ALTER TABLE model_versions ADD COLUMN key_id TEXT;
ALTER TABLE model_versions ADD COLUMN signature TEXT;
ALTER TABLE model_versions ADD COLUMN manifest TEXT;
UPDATE model_versions
SET snapshot_sha256 = signed.snapshot_sha256, key_id = signed.key_id, signature = signed.signature, manifest = signed.manifest
FROM model_manifests signed
WHERE signed.seq = model_versions.seq;
DROP TABLE model_manifests;
