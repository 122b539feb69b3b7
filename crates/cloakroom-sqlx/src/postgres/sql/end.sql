-- A session that has expired but was not handed out yet is sealed instead of deleted: a sweep still hands it out, and a commit
-- that was held back since it was live does not revive it.

-- Ends the session that a ticket opens. Answers with what has ended, or with the byte 1 if a sign-in has replaced the ticket.
CREATE OR REPLACE FUNCTION cloakroom.end_by_ticket_1(this uuid, asks bytea) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    it cloakroom.sessions%ROWTYPE;
    moment bigint;
    admission integer;
BEGIN
    SELECT s.* INTO it FROM cloakroom.sessions s WHERE s.handle = this FOR UPDATE;
    IF NOT FOUND OR it.has_ended OR it.epoch < (SELECT e.epoch FROM cloakroom.state e) THEN
        RETURN '';
    ELSIF it.format <> 1 OR octet_length(it.proof) <> 32 THEN
        RAISE EXCEPTION 'the session is damaged, or of a newer format' USING ERRCODE = 'K0001';
    END IF;
    moment := cloakroom.now_1();
    admission := cloakroom.admission_1(asks, it.proof, it.previous_proof, it.previous_until, it.is_superseded,
                                       it.asked_proof, least(moment, it.expires_at - 1));
    IF admission IN (1, 2) THEN
        RETURN cloakroom.end_or_seal_1(it, moment);
    END IF;
    RETURN CASE WHEN admission = 3 AND moment < it.expires_at THEN '\x01'::bytea ELSE '' END;
END
$$;

-- Ends the session of a handle, if it is bound to this principal, or whoever is if that is NULL.
CREATE OR REPLACE FUNCTION cloakroom.end_by_handle_1(this uuid, owner text) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    it cloakroom.sessions%ROWTYPE;
BEGIN
    SELECT s.* INTO it FROM cloakroom.sessions s WHERE s.handle = this FOR UPDATE;
    IF NOT FOUND OR it.has_ended OR it.epoch < (SELECT e.epoch FROM cloakroom.state e)
       OR (owner IS NOT NULL AND owner IS DISTINCT FROM it.principal) THEN
        RETURN '';
    END IF;
    RETURN cloakroom.end_or_seal_1(it, cloakroom.now_1());
END
$$;

CREATE OR REPLACE FUNCTION cloakroom.end_or_seal_1(it cloakroom.sessions, moment bigint)
RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF moment < it.expires_at THEN
        RETURN '\x00' || cloakroom.end_1(ARRAY[it.handle], moment);
    END IF;
    UPDATE cloakroom.sessions s SET has_ended = true WHERE s.handle = it.handle;
    RETURN '';
END
$$;

-- Ends all sessions of a principal but one.
CREATE OR REPLACE FUNCTION cloakroom.end_all_of_1(who text, spared uuid) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment bigint;
    theirs uuid[];
BEGIN
    PERFORM cloakroom.lock_1(ARRAY[who]);
    moment := cloakroom.now_1();
    UPDATE cloakroom.sessions s SET has_ended = true
     WHERE s.principal = who AND s.handle IS DISTINCT FROM spared AND NOT s.has_ended AND s.expires_at <= moment;
    SELECT array_agg(l.handle) INTO theirs
      FROM (SELECT s.handle FROM cloakroom.sessions s
             WHERE s.principal = who AND s.handle IS DISTINCT FROM spared AND NOT s.has_ended
               AND s.epoch = (SELECT e.epoch FROM cloakroom.state e)
             ORDER BY s.handle FOR UPDATE) l;
    RETURN '\x00' || cloakroom.end_1(theirs, moment);
END
$$;

-- Ends everybody's sessions: one small statement, seen at once.
CREATE OR REPLACE FUNCTION cloakroom.end_everyones_1() RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE cloakroom.state SET epoch = epoch + 1;
    RETURN '';
END
$$;

-- A principal's live sessions, each after its length.
CREATE OR REPLACE FUNCTION cloakroom.sessions_of_1(who text) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment CONSTANT bigint := cloakroom.now_1();
BEGIN
    RETURN coalesce((
        SELECT string_agg(int4send(octet_length(l.info)) || l.info, '')
          FROM (SELECT uuid_send(s.handle) || int8send(s.created_at) || int8send(s.accessed_at)
                       || int8send(coalesce(s.signed_in_at, -1)) || cloakroom.text_1(coalesce(s.label, '')) AS info
                  FROM cloakroom.sessions s
                 WHERE s.principal = who AND s.epoch = (SELECT e.epoch FROM cloakroom.state e) AND NOT s.has_ended
                   AND moment < s.expires_at AND s.format = 1
                 ORDER BY coalesce(s.signed_in_at, 0), s.handle) l), '');
END
$$;
