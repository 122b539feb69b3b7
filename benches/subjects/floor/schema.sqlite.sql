-- Attributes have row ids, and the value last, so that a search never reads past other values.
CREATE TABLE floor_sessions (
    handle        BLOB     NOT NULL PRIMARY KEY,
    proof         BLOB     NOT NULL,
    created_at    INTEGER  NOT NULL,
    accessed_at   INTEGER  NOT NULL,
    max_inactive  INTEGER  NOT NULL,
    ends_at       INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE floor_attributes (
    session  BLOB  NOT NULL REFERENCES floor_sessions (handle) ON DELETE CASCADE,
    name     TEXT  NOT NULL,
    value    BLOB  NOT NULL,
    PRIMARY KEY (session, name)
) STRICT
