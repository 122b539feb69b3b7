-- Reads a session and records the access if it is due.
--
-- What is read is one statement, so one snapshot; the attributes only if the ticket opens the session. The access is stored
-- only while the session is live and of the version that was read; otherwise all is read again. The row is locked by a
-- statement of its own: one that waits for a row that is not changed in the end does not look at the time again. It does not
-- wait for the disk, nor for a standby: if it is lost in a crash, the next one is still due.
--
-- Planned once for a connection: planning anew, as PostgreSQL would, takes several times as long as all the rest.
--
-- throttle: NULL if this is no access. wanted: whose values. flags: 1 all values, 2 the names of all.
CREATE OR REPLACE FUNCTION cloakroom.load_1(this uuid, asks bytea, throttle bigint, wanted text[], flags integer)
RETURNS bytea LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    moment bigint;
    it record;
BEGIN
    LOOP
        moment := cloakroom.now_1();
        SELECT o.version, o.admission, o.arrives, o.format = 1 AND octet_length(o.proof) = 32 AS is_sound,
               o.arrives OR (throttle IS NOT NULL AND o.accessed_at < moment
                             AND (throttle <= moment - o.accessed_at
                                  OR o.max_inactive <= 10 * (moment - o.accessed_at))) AS is_due,
               CASE WHEN o.admission IN (1, 2) THEN
                   int2send((o.admission
                       + CASE WHEN o.ends_at IS NULL THEN 0 ELSE 16 END
                       + CASE WHEN o.signed_in_at IS NULL THEN 0 ELSE 32 END
                       + CASE WHEN o.admission = 2 AND o.seed IS NOT NULL THEN 64 ELSE 0 END
                       + CASE WHEN o.principal IS NULL THEN 0 ELSE 128 END
                       + CASE WHEN o.label IS NULL THEN 0 ELSE 256 END
                       + CASE WHEN flags & 2 = 0 THEN 0 ELSE 512 END)::smallint)
                   || int8send(moment) || int8send(o.version) || int8send(o.ticket_issued_at) || int8send(o.created_at)
                   || int8send(o.accessed_at) || int8send(o.max_inactive) || int8send(o.bytes) || int4send(o.attributes)
                   || coalesce(int8send(o.ends_at), '') || coalesce(int8send(o.signed_in_at), '')
                   || CASE WHEN o.admission = 2 THEN coalesce(o.seed, '') ELSE '' END
                   || coalesce(cloakroom.text_1(o.principal), '') || coalesce(cloakroom.text_1(o.label), '')
                   || CASE WHEN flags & 2 = 0 THEN '' ELSE cloakroom.names_1(this, moment) END
                   || coalesce(CASE
                       WHEN flags & 1 = 1 THEN
                           (SELECT string_agg(cloakroom.attribute_1(a.name, a.revision, a.lapses_at, a.content), '')
                              FROM cloakroom.attributes a
                             WHERE a.session = this AND (a.lapses_at IS NULL OR a.lapses_at > moment))
                       WHEN wanted IS NOT NULL THEN
                           -- The offset keeps the query planner from reading all attributes of the session.
                           (SELECT string_agg(cloakroom.attribute_1(a.name, a.revision, a.lapses_at, a.content), '')
                              FROM unnest(wanted) AS w(name),
                                   LATERAL (SELECT t.* FROM cloakroom.attributes t
                                             WHERE t.session = this AND t.name = w.name OFFSET 0) a
                             WHERE a.lapses_at IS NULL OR a.lapses_at > moment)
                   END, '')
               END AS answer
          INTO it
          FROM (SELECT s.*,
                       cloakroom.admission_1(asks, s.proof, s.previous_proof, s.previous_until, s.is_superseded,
                                             s.asked_proof, moment) AS admission,
                       throttle IS NOT NULL AND s.proof = asks AND s.seed IS NOT NULL AS arrives
                  FROM cloakroom.sessions s
                 WHERE s.handle = this AND s.epoch = (SELECT e.epoch FROM cloakroom.state e)
                   AND NOT s.has_ended AND moment < s.expires_at OFFSET 0) o;
        IF NOT FOUND THEN
            RETURN '\x0000';
        ELSIF NOT it.is_sound THEN
            RAISE EXCEPTION 'the session is damaged, or of a newer format' USING ERRCODE = 'K0001';
        ELSIF it.admission = 0 THEN
            RETURN '\x0000';
        ELSIF it.admission = 3 THEN
            RETURN '\x0003';
        ELSIF it.is_due THEN
            PERFORM set_config('synchronous_commit', 'off', true);
            PERFORM 1 FROM cloakroom.sessions s WHERE s.handle = this FOR NO KEY UPDATE;
            UPDATE cloakroom.sessions s
               SET accessed_at = greatest(s.accessed_at, moment),
                   due_at = cloakroom.due_1(s.due_at, greatest(s.accessed_at, moment), s.max_inactive, s.ends_at),
                   seed = CASE WHEN it.arrives THEN NULL ELSE s.seed END
             WHERE s.handle = this AND s.version = it.version AND NOT s.has_ended AND cloakroom.now_1() < s.expires_at;
            CONTINUE WHEN NOT FOUND;
        END IF;
        RETURN it.answer;
    END LOOP;
END
$$;
