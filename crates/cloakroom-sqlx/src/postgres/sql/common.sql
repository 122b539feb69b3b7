CREATE OR REPLACE FUNCTION cloakroom.now_1() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(date_part('epoch', clock_timestamp()) * 1000)::bigint
$$;

-- What a ticket may do with a live session: 0 nothing, 1 it is the current one, 2 the one before a renewal, 3 the one before
-- a sign-in.
CREATE OR REPLACE FUNCTION cloakroom.admission_1(
    asks bytea, proof bytea, previous_proof bytea, previous_until bigint, is_superseded boolean, asked_proof bytea,
    at bigint
) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN asks = proof THEN 1
        WHEN at >= previous_until THEN 0
        WHEN asks = previous_proof OR (is_superseded AND asks = asked_proof)
            THEN CASE WHEN is_superseded THEN 3 ELSE 2 END
        ELSE 0
    END
$$;

-- When a sweep should look at a session that is accessed now. It is moved when half of the interval is gone.
CREATE OR REPLACE FUNCTION cloakroom.due_1(due_at bigint, accessed_at bigint, max_inactive bigint, ends_at bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN due_at >= least(accessed_at + max_inactive, ends_at) - max_inactive / 2
            THEN least(due_at, accessed_at + max_inactive, ends_at)
        ELSE least(accessed_at + max_inactive, ends_at)
    END
$$;

-- A text, after its length in two bytes. One that is longer than it may be is cut, for the store to find it damaged.
CREATE OR REPLACE FUNCTION cloakroom.text_1(words text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT int2send(octet_length(convert_to(left(words, 1000), 'UTF8'))::smallint) || convert_to(left(words, 1000), 'UTF8')
$$;

-- An attribute as bytes. The length of the name also tells whether there is a time when it lapses.
CREATE OR REPLACE FUNCTION cloakroom.attribute_1(name text, revision bigint, lapses_at bigint, content bytea)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT int2send((octet_length(convert_to(left(name, 1000), 'UTF8'))
                     + CASE WHEN lapses_at IS NULL THEN 0 ELSE 4096 END)::smallint)
        || convert_to(left(name, 1000), 'UTF8') || int8send(revision) || coalesce(int8send(lapses_at), '')
        || int4send(octet_length(content)) || content
$$;

-- The names of a session's attributes as bytes, sorted. Names have no control characters, so that a line holds one name.
CREATE OR REPLACE FUNCTION cloakroom.names_1(this uuid, at bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT int4send(octet_length(n.names)) || n.names
      FROM (SELECT convert_to(coalesce(string_agg(a.name, E'\n' ORDER BY a.name), ''), 'UTF8') AS names
              FROM cloakroom.attributes a
             WHERE a.session = this AND (a.lapses_at IS NULL OR a.lapses_at > at)) n
$$;

-- A session at its end: 0 for want of access, 1 because its lifetime was over, 2 invalidated.
CREATE OR REPLACE FUNCTION cloakroom.ended_1(it cloakroom.sessions, reason integer, at bigint)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT uuid_send((it).handle) || int2send(reason::smallint) || int8send((it).created_at)
        || int8send((it).accessed_at) || cloakroom.text_1(coalesce((it).principal, ''))
        || cloakroom.names_1((it).handle, at)
$$;

-- Takes the locks of principals, in an order that is the same for everybody. Whoever binds a session to a principal, or ends
-- sessions because of their principal, holds the locks of the principals before and after. So nobody who holds the row of one
-- session waits for the row of another, unless they alone may.
CREATE OR REPLACE FUNCTION cloakroom.lock_1(principals text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    seed CONSTANT bigint := 'cloakroom.sessions'::regclass::oid::bigint;
    key bigint;
BEGIN
    FOR key IN
        SELECT DISTINCT hashtextextended(p.name COLLATE "C", seed) FROM unnest(principals) AS p(name)
         WHERE p.name IS NOT NULL ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
END
$$;

-- Ends live sessions, and returns what they were, each after its length.
CREATE OR REPLACE FUNCTION cloakroom.end_1(these uuid[], moment bigint) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    answer bytea;
BEGIN
    PERFORM 1 FROM cloakroom.sessions s WHERE s.handle = ANY (these) AND NOT s.has_ended ORDER BY s.handle FOR UPDATE;
    SELECT string_agg(int4send(octet_length(e.ended)) || e.ended, '') INTO answer
      FROM (SELECT cloakroom.ended_1(s, 2, moment) AS ended
              FROM cloakroom.sessions s
             WHERE s.handle = ANY (these) AND NOT s.has_ended ORDER BY s.signed_in_at, s.handle) e;
    DELETE FROM cloakroom.sessions s WHERE s.handle = ANY (these) AND NOT s.has_ended;
    RETURN coalesce(answer, '');
END
$$;

-- Tells the feeds which sessions have ended: those that an answer has from this place on, each after its length and beginning
-- with its handle. It goes through the answer once, in place: a query would read all of it again for each of them.
CREATE OR REPLACE FUNCTION cloakroom.tell_1(answer bytea, place integer, channel text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    at integer := place;
BEGIN
    WHILE at < octet_length(answer) LOOP
        PERFORM pg_notify(channel, 'E' || encode(substring(answer FROM at + 5 FOR 16), 'hex')::uuid);
        at := at + 4 + (get_byte(answer, at) << 24 | get_byte(answer, at + 1) << 16 | get_byte(answer, at + 2) << 8
                        | get_byte(answer, at + 3));
    END LOOP;
END
$$;
