-- Cloakroom's tables for PostgreSQL 12 or later. Running this again changes nothing.

-- One row. `layout` counts the changes to these tables, `revision` those to the functions below; sessions of an earlier
-- `epoch` than this have all been ended.
CREATE TABLE IF NOT EXISTS cloakroom.state (
    id        smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    layout    integer  NOT NULL,
    revision  integer  NOT NULL,
    epoch     bigint   NOT NULL
);

-- Times and intervals are milliseconds; times are counted from 1970, UTC. Of tickets there are only hashes.
CREATE TABLE IF NOT EXISTS cloakroom.sessions (
    handle            uuid     NOT NULL PRIMARY KEY,
    format            smallint NOT NULL,
    epoch             bigint   NOT NULL,
    -- When a sweep should look at the session: never later than its end, and often earlier. It is not moved with every
    -- access, so that most accesses change no index.
    due_at            bigint   NOT NULL,
    -- Ended for good: handed out as expired, or about to be.
    has_ended         boolean  NOT NULL,
    version           bigint   NOT NULL,
    proof             bytea    NOT NULL,
    ticket_issued_at  bigint   NOT NULL,
    -- The ticket before: until when it is remembered, and whether a sign-in has replaced it.
    previous_proof    bytea,
    previous_until    bigint,
    is_superseded     boolean,
    -- The seed of a renewal, until the new ticket was seen; or the ticket that a sign-in came with, if it was another one.
    seed              bytea,
    asked_proof       bytea,
    created_at        bigint   NOT NULL,
    accessed_at       bigint   NOT NULL,
    max_inactive      bigint   NOT NULL,
    ends_at           bigint,
    expires_at        bigint   GENERATED ALWAYS AS (least(accessed_at + max_inactive, ends_at)) STORED,
    principal         text     COLLATE "C",
    signed_in_at      bigint,
    label             text,
    attributes        integer  NOT NULL,
    bytes             bigint   NOT NULL,
    next_lapse        bigint,
    -- The last few commits, 25 bytes each: id, version, what became of the ticket.
    recent            bytea    NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS cloakroom.attributes (
    session    uuid    NOT NULL REFERENCES cloakroom.sessions (handle) ON DELETE CASCADE,
    name       text    NOT NULL COLLATE "C",
    revision   bigint  NOT NULL,
    lapses_at  bigint,
    content    bytea   NOT NULL,
    PRIMARY KEY (session, name)
) WITH (fillfactor = 80);

-- Each of these takes a lock that waits for all who write, even where it changes nothing, and deadlocks with them: so it runs
-- only where something is missing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE i.indrelid = 'cloakroom.sessions'::regclass AND c.relname = 'cloakroom_sessions_due') THEN
        CREATE INDEX IF NOT EXISTS cloakroom_sessions_due ON cloakroom.sessions (epoch, due_at);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE i.indrelid = 'cloakroom.sessions'::regclass AND c.relname = 'cloakroom_sessions_principal') THEN
        CREATE INDEX IF NOT EXISTS cloakroom_sessions_principal ON cloakroom.sessions (principal)
            WHERE principal IS NOT NULL;
    END IF;
    -- Large values are not compressed: that would cost more than the rest of a commit.
    IF EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = 'cloakroom.attributes'::regclass AND a.attname = 'content' AND a.attstorage <> 'e') THEN
        ALTER TABLE cloakroom.attributes ALTER COLUMN content SET STORAGE EXTERNAL;
    END IF;
END
$$;
