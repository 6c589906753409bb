DROP TABLE tombstones;
DROP TABLE erasures;
DROP TABLE model_inputs;
DROP TABLE model_aliases;
DROP TABLE model_versions;
