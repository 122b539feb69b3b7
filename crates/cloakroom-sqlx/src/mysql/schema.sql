-- Cloakroom's tables for MySQL 8.0 or later and MariaDB 10.6 or later. Running this again changes nothing.

-- One row. `layout` counts the changes to these tables; sessions of an earlier `epoch` than this have all been ended.
CREATE TABLE IF NOT EXISTS cloakroom_state (
    id      TINYINT NOT NULL PRIMARY KEY,
    layout  BIGINT  NOT NULL,
    epoch   BIGINT  NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO cloakroom_state (id, layout, epoch) VALUES (1, 1, 1);

-- Rows that are only locked: a sign-in, and ending all sessions of a principal, wait for each other at the row that the
-- principal's name falls to.
CREATE TABLE IF NOT EXISTS cloakroom_slots (
    slot  SMALLINT NOT NULL PRIMARY KEY
) ENGINE = InnoDB;

INSERT IGNORE INTO cloakroom_slots (slot)
SELECT 16 * high.digit + low.digit
FROM (SELECT 0 AS digit UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
      UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10
      UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15) high
CROSS JOIN
     (SELECT 0 AS digit UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
      UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10
      UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15) low;

-- Times are milliseconds since 1970, UTC.
CREATE TABLE IF NOT EXISTS cloakroom_sessions (
    handle     BINARY(16)     NOT NULL PRIMARY KEY,
    epoch      BIGINT         NOT NULL,
    -- When a sweep has to look at the session: not later than it expires, or than the lease of whoever got it is over.
    due_at     BIGINT         NOT NULL,
    principal  VARBINARY(256),
    INDEX due (epoch, due_at),
    INDEX principal (principal)
) ENGINE = InnoDB;

-- The row without a name is the session's own: all that is known of the session, in a format of its own that its first
-- byte tells. Of tickets it holds hashes. It has lapsed once the session has been handed out as expired.
CREATE TABLE IF NOT EXISTS cloakroom_attributes (
    session    BINARY(16)     NOT NULL,
    name       VARBINARY(256) NOT NULL,
    revision   BIGINT         NOT NULL,
    lapses_at  BIGINT,
    value      LONGBLOB       NOT NULL,
    PRIMARY KEY (session, name),
    FOREIGN KEY (session) REFERENCES cloakroom_sessions (handle) ON DELETE CASCADE
) ENGINE = InnoDB;
