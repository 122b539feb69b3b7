-- Cloakroom's tables for SQLite 3.37 or later. Running this again changes nothing.

-- One row. `layout` counts the changes to these tables; sessions of an earlier `epoch` than this have all been ended.
CREATE TABLE IF NOT EXISTS cloakroom_state (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    layout  INTEGER NOT NULL,
    epoch   INTEGER NOT NULL
) STRICT;

INSERT INTO cloakroom_state (id, layout, epoch) VALUES (1, 1, 1) ON CONFLICT (id) DO NOTHING;

-- Times are milliseconds since 1970, UTC.
CREATE TABLE IF NOT EXISTS cloakroom_sessions (
    handle         BLOB    NOT NULL PRIMARY KEY,
    epoch          INTEGER NOT NULL,
    -- When the session ends unless it is accessed.
    expires_at     INTEGER NOT NULL,
    -- Set once the session has been handed out as expired: until when whoever got it is waited for.
    claimed_until  INTEGER,
    principal      TEXT    COLLATE BINARY,
    -- All that is known of the session, in a format of its own that its first byte tells. Of tickets it holds hashes.
    record         BLOB    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS cloakroom_sessions_expires_at ON cloakroom_sessions (epoch, expires_at);

CREATE INDEX IF NOT EXISTS cloakroom_sessions_principal ON cloakroom_sessions (principal)
    WHERE principal IS NOT NULL;

-- A table with row ids, and the value last: so a search compares names alone and never reads past other values.
CREATE TABLE IF NOT EXISTS cloakroom_attributes (
    session    BLOB    NOT NULL REFERENCES cloakroom_sessions (handle) ON DELETE CASCADE,
    name       TEXT    NOT NULL COLLATE BINARY,
    revision   INTEGER NOT NULL,
    lapses_at  INTEGER,
    value      BLOB    NOT NULL,
    PRIMARY KEY (session, name)
) STRICT;
