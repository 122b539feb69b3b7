CREATE TABLE floor_sessions (
    handle        uuid    NOT NULL PRIMARY KEY,
    proof         bytea   NOT NULL,
    created_at    bigint  NOT NULL,
    accessed_at   bigint  NOT NULL,
    max_inactive  bigint  NOT NULL,
    ends_at       bigint  NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE floor_attributes (
    session  uuid   NOT NULL REFERENCES floor_sessions (handle) ON DELETE CASCADE,
    name     text   NOT NULL COLLATE "C",
    value    bytea  NOT NULL,
    PRIMARY KEY (session, name)
) WITH (fillfactor = 80);
ALTER TABLE floor_attributes ALTER COLUMN value SET STORAGE EXTERNAL
