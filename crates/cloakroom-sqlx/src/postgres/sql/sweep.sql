-- Hands out expired sessions, a row for each: a row that somebody else has locked is left to them, so that nobody waits.
--
-- lease: NULL removes them in the same step. flags: 1 all values.
CREATE OR REPLACE FUNCTION cloakroom.sweep_1(most bigint, lease bigint, wanted text[], flags integer)
RETURNS SETOF bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment CONSTANT bigint := cloakroom.now_1();
    batch CONSTANT bigint := greatest(most, 1000);
    present CONSTANT bigint := (SELECT e.epoch FROM cloakroom.state e);
    taken uuid[];
BEGIN
    -- What is left of those that were ended with everybody's.
    DELETE FROM cloakroom.sessions s
     WHERE s.handle = ANY (ARRAY(SELECT p.handle FROM cloakroom.sessions p WHERE p.epoch < present
                                  ORDER BY p.epoch, p.due_at LIMIT batch FOR UPDATE SKIP LOCKED));
    -- What was accessed since it was last looked at, or given more time.
    UPDATE cloakroom.sessions s SET due_at = s.expires_at
     WHERE s.handle = ANY (ARRAY(SELECT p.handle FROM cloakroom.sessions p
                                  WHERE p.epoch = present AND p.due_at <= moment AND NOT p.has_ended
                                    AND moment < p.expires_at
                                  ORDER BY p.due_at LIMIT batch FOR UPDATE SKIP LOCKED));
    -- A session of a newer format is left to newer servers.
    SELECT array_agg(l.handle) INTO taken
      FROM (SELECT p.handle FROM cloakroom.sessions p
             WHERE p.epoch = present AND p.due_at <= moment AND (p.has_ended OR p.expires_at <= moment) AND p.format <= 1
             ORDER BY p.due_at LIMIT most FOR UPDATE SKIP LOCKED) l;
    IF taken IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT cloakroom.ended_1(s, CASE WHEN s.ends_at = s.expires_at THEN 1 ELSE 0 END, s.expires_at)
               || coalesce(CASE
                   WHEN flags & 1 = 1 THEN
                       (SELECT string_agg(cloakroom.attribute_1(a.name, a.revision, a.lapses_at, a.content), '')
                          FROM cloakroom.attributes a
                         WHERE a.session = s.handle AND (a.lapses_at IS NULL OR a.lapses_at > s.expires_at))
                   WHEN wanted IS NOT NULL THEN
                       (SELECT string_agg(cloakroom.attribute_1(a.name, a.revision, a.lapses_at, a.content), '')
                          FROM cloakroom.attributes a
                         WHERE a.session = s.handle AND a.name = ANY (wanted)
                           AND (a.lapses_at IS NULL OR a.lapses_at > s.expires_at))
               END, '')
          FROM cloakroom.sessions s WHERE s.handle = ANY (taken);
    IF lease IS NULL THEN
        DELETE FROM cloakroom.sessions s WHERE s.handle = ANY (taken);
    ELSE
        UPDATE cloakroom.sessions s SET has_ended = true, due_at = moment + lease WHERE s.handle = ANY (taken);
    END IF;
END
$$;

-- Removes expired sessions that were handed out. Locked in an order that is the same for everybody.
CREATE OR REPLACE FUNCTION cloakroom.acknowledge_1(these uuid[]) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM 1 FROM cloakroom.sessions s WHERE s.handle = ANY (these) AND s.has_ended ORDER BY s.handle FOR UPDATE;
    DELETE FROM cloakroom.sessions s WHERE s.handle = ANY (these) AND s.has_ended;
    RETURN '';
END
$$;
