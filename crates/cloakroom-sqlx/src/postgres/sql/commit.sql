-- Applies a commit: `cloakroom_core::Record::create` and `Record::apply` in SQL.
--
-- It takes the session's row first, and looks at the time and at the attributes afterwards, each by a statement of its own: a
-- statement that waited for a row would still see the other rows as they were before.
--
-- Planned once for a connection, as a load is.
--
-- names, contents (NULL removes), ttls, expects (-1 absent): one for each attribute that changes. terms: what most commits do
-- not have, in the order in which they are read below.
--
-- The first byte of the answer: 0 committed, 1 absent, 2 superseded, 3 conflict about an attribute, 4 conflict about the
-- principal, 5 taken; over the limit of 6 an attribute's bytes, 7 attributes, 8 bytes, 9 sessions.
CREATE OR REPLACE FUNCTION cloakroom.commit_1(
    this uuid, asks bytea, id bytea, names text[], contents bytea[], ttls bigint[], expects bigint[],
    max_attribute bigint, max_bytes bigint, max_attributes bigint, terms text[]
) RETURNS bytea LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    age             bigint := 0;
    clears          boolean := false;
    creates         boolean := false;
    new_interval    bigint;
    lifetime        bigint;
    new_label       text;
    who             text;
    max_sessions    integer;
    is_full         boolean;
    new_proof       bytea;
    grace           bigint;
    new_seed        bytea;
    stands_for      bigint := 1;
    it              cloakroom.sessions%ROWTYPE;
    is_known        boolean;
    moment          bigint;
    at              bigint;
    present         bigint;
    who_before      text;
    admission       integer;
    fate            bytea := '\x00';
    unexpected      bigint;
    too_large       bigint;
    stored          bigint := 0;
    stored_bytes    bigint;
    replaced        bigint;
    replaced_bytes  bigint;
    count_after     bigint;
    bytes_after     bigint;
    must_end        uuid[];
    answer          bytea;
BEGIN
    IF terms IS NOT NULL THEN
        age := coalesce(terms[1]::bigint, 0);
        clears := coalesce(terms[2]::boolean, false);
        creates := coalesce(terms[3]::boolean, false);
        new_interval := terms[4]::bigint;
        lifetime := terms[5]::bigint;
        new_label := terms[6];
        who := terms[7];
        max_sessions := terms[8]::integer;
        is_full := terms[9]::boolean;
        new_proof := decode(terms[10], 'hex');
        grace := terms[11]::bigint;
        new_seed := decode(terms[12], 'hex');
        stands_for := coalesce(terms[13]::bigint, 1);
    END IF;
    IF who IS NOT NULL THEN
        SELECT s.principal INTO who_before FROM cloakroom.sessions s WHERE s.handle = this;
        PERFORM cloakroom.lock_1(ARRAY[who, who_before]);
    END IF;
    SELECT s.* INTO it FROM cloakroom.sessions s WHERE s.handle = this FOR UPDATE;
    is_known := FOUND;
    SELECT e.epoch, cloakroom.now_1() INTO STRICT present, moment FROM cloakroom.state e;
    at := greatest(moment - age, 0);

    IF is_known AND it.epoch < present THEN
        -- Ended with everybody's.
        IF creates THEN
            DELETE FROM cloakroom.sessions s WHERE s.handle = this;
        END IF;
        it := NULL;
        is_known := false;
    ELSIF is_known AND (it.format <> 1 OR octet_length(it.proof) <> 32 OR octet_length(it.recent) % 25 <> 0) THEN
        RAISE EXCEPTION 'the session is damaged, or of a newer format' USING ERRCODE = 'K0001';
    ELSIF is_known AND position(id IN it.recent) > 0 AND (creates OR NOT it.has_ended) THEN
        answer := cloakroom.first_answer_1(it, asks, id, moment);
        IF answer IS NOT NULL THEN
            RETURN answer;
        END IF;
    END IF;

    -- Whether the ticket opens the session, and what becomes of it.
    IF creates THEN
        IF is_known THEN
            RETURN '\x05';
        END IF;
        it := cloakroom.new_session_1(this, present, asks, at, lifetime, who);
    ELSE
        IF NOT is_known OR it.has_ended OR at >= it.expires_at THEN
            RETURN '\x01';
        END IF;
        admission := cloakroom.admission_1(asks, it.proof, it.previous_proof, it.previous_until, it.is_superseded,
                                           it.asked_proof, at);
        IF admission = 0 THEN
            RETURN '\x01';
        ELSIF admission = 3 THEN
            RETURN CASE
                WHEN who IS NULL THEN '\x02'::bytea
                WHEN who = it.principal THEN '\x00' || int8send(it.version) || int8send(moment) || '\x03'
                ELSE '\x04'
            END;
        ELSIF admission = 2 AND new_seed IS NOT NULL THEN
            fate := CASE WHEN it.seed IS NULL THEN '\x02'::bytea ELSE '\x04' || it.seed END;
        ELSIF new_proof IS NOT NULL THEN
            fate := '\x01';
        END IF;
        IF it.next_lapse <= moment THEN
            it := cloakroom.drop_lapsed_1(it, moment);
        END IF;
    END IF;

    -- What is expected, and what the session holds afterwards.
    count_after := CASE WHEN clears THEN 0 ELSE it.attributes END;
    bytes_after := CASE WHEN clears THEN 0 ELSE it.bytes END;
    IF names IS NOT NULL THEN
        -- The offset keeps the query planner from reading all attributes of the session.
        SELECT min(e.place) FILTER (WHERE NOT creates AND e.expected <> coalesce(a.revision, -1)),
               min(e.place) FILTER (WHERE octet_length(e.content) > max_attribute
                                      AND octet_length(e.content) > coalesce(a.size, -1)),
               count(e.content),
               coalesce(sum(octet_length(e.name) + octet_length(e.content)), 0),
               count(a.size),
               coalesce(sum(octet_length(e.name) + a.size), 0)
          INTO unexpected, too_large, stored, stored_bytes, replaced, replaced_bytes
          FROM unnest(names, contents, expects) WITH ORDINALITY AS e(name, content, expected, place)
          LEFT JOIN LATERAL (
                   SELECT t.revision, octet_length(t.content) AS size
                     FROM cloakroom.attributes t WHERE t.session = this AND t.name = e.name OFFSET 0
               ) a ON NOT creates;
        IF unexpected IS NOT NULL THEN
            RETURN '\x03' || int4send(unexpected::integer);
        ELSIF too_large IS NOT NULL THEN
            RETURN '\x06' || int4send(too_large::integer);
        END IF;
        count_after := count_after + stored - CASE WHEN clears THEN 0 ELSE replaced END;
        bytes_after := bytes_after + stored_bytes - CASE WHEN clears THEN 0 ELSE replaced_bytes END;
    END IF;
    IF count_after > max_attributes AND count_after > it.attributes THEN
        RETURN '\x07';
    ELSIF bytes_after > max_bytes AND bytes_after > it.bytes THEN
        RETURN '\x08';
    END IF;
    IF max_sessions IS NOT NULL AND (creates OR fate = '\x01') THEN
        must_end := cloakroom.too_many_1(who, this, max_sessions, present, moment);
        IF must_end <> '{}' AND is_full THEN
            RETURN '\x09';
        ELSIF must_end <> '{}' AND NOT creates AND who_before IS DISTINCT FROM it.principal THEN
            -- Ours are not the locks that we would need.
            RAISE EXCEPTION 'another sign-in came first' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;

    it.version := it.version + stands_for;
    it.accessed_at := greatest(it.accessed_at, at);
    it.attributes := greatest(count_after, 0);
    it.bytes := greatest(bytes_after, 0);
    it.max_inactive := coalesce(new_interval, it.max_inactive);
    it.label := coalesce(new_label, it.label);
    it.due_at := cloakroom.due_1(it.due_at, it.accessed_at, it.max_inactive, it.ends_at);
    it.recent := substring(it.recent FROM greatest(octet_length(it.recent) - 174, 1)) || id || int8send(it.version)
        || CASE fate WHEN '\x00' THEN '\x00'::bytea WHEN '\x01' THEN '\x01' ELSE '\x02' END;
    IF clears THEN
        it.next_lapse := NULL;
    END IF;
    IF ttls IS NOT NULL THEN
        it.next_lapse := least(it.next_lapse, (SELECT at + min(t.ttl) FROM unnest(ttls) AS t(ttl)));
    END IF;
    IF fate = '\x01' THEN
        it := cloakroom.change_ticket_1(it, asks, new_proof, new_seed, who, at, grace);
    END IF;

    IF creates THEN
        INSERT INTO cloakroom.sessions (
                   handle, format, epoch, due_at, has_ended, version, proof, ticket_issued_at, created_at, accessed_at,
                   max_inactive, ends_at, principal, signed_in_at, label, attributes, bytes, next_lapse, recent)
            VALUES (it.handle, it.format, it.epoch, it.due_at, it.has_ended, it.version, it.proof, it.ticket_issued_at,
                   it.created_at, it.accessed_at, it.max_inactive, it.ends_at, it.principal, it.signed_in_at, it.label,
                   it.attributes, it.bytes, it.next_lapse, it.recent)
            ON CONFLICT (handle) DO NOTHING;
        IF NOT FOUND THEN
            -- Somebody else has created it just now; that is the answer the second time.
            RETURN cloakroom.commit_1(this, asks, id, names, contents, ttls, expects, max_attribute, max_bytes,
                                      max_attributes, terms);
        END IF;
    ELSE
        UPDATE cloakroom.sessions s
           SET due_at = it.due_at, version = it.version, proof = it.proof, ticket_issued_at = it.ticket_issued_at,
               previous_proof = it.previous_proof, previous_until = it.previous_until,
               is_superseded = it.is_superseded, seed = it.seed, asked_proof = it.asked_proof,
               accessed_at = it.accessed_at, max_inactive = it.max_inactive, principal = it.principal,
               signed_in_at = it.signed_in_at, label = it.label, attributes = it.attributes, bytes = it.bytes,
               next_lapse = it.next_lapse, recent = it.recent
         WHERE s.handle = this;
        IF clears THEN
            DELETE FROM cloakroom.attributes a WHERE a.session = this;
        ELSIF stored < cardinality(names) THEN
            DELETE FROM cloakroom.attributes a
             WHERE a.session = this AND a.name IN (
                       SELECT e.name FROM unnest(names, contents) AS e(name, content) WHERE e.content IS NULL);
        END IF;
    END IF;
    IF stored > 0 THEN
        INSERT INTO cloakroom.attributes (session, name, revision, lapses_at, content)
            SELECT this, e.name, it.version, at + e.ttl, e.content
              FROM unnest(names, contents, ttls) AS e(name, content, ttl) WHERE e.content IS NOT NULL
            ON CONFLICT (session, name) DO UPDATE
               SET revision = excluded.revision, lapses_at = excluded.lapses_at, content = excluded.content;
    END IF;
    answer := '\x00' || int8send(it.version) || int8send(moment) || fate;
    IF must_end <> '{}' THEN
        answer := answer || cloakroom.end_1(must_end, moment);
    END IF;
    RETURN answer;
END
$$;

-- Answers a commit that was applied already as the first time; NULL if it was not, or is not asked by a ticket of this session.
CREATE OR REPLACE FUNCTION cloakroom.first_answer_1(it cloakroom.sessions, asks bytea, id bytea, moment bigint)
RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
    place CONSTANT integer := position(id IN it.recent);
    fate bytea;
BEGIN
    IF (asks = it.proof OR asks = it.previous_proof OR (it.is_superseded AND asks = it.asked_proof)) IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    fate := substring(it.recent FROM place + 24 FOR 1);
    IF fate = '\x02' AND NOT it.is_superseded AND it.seed IS NOT NULL THEN
        fate := '\x04' || it.seed;
    END IF;
    RETURN '\x00' || substring(it.recent FROM place + 16 FOR 8) || int8send(moment) || fate;
END
$$;

-- A session before the commit that creates it.
CREATE OR REPLACE FUNCTION cloakroom.new_session_1(
    this uuid, present bigint, asks bytea, at bigint, lifetime bigint, who text
) RETURNS cloakroom.sessions LANGUAGE plpgsql STABLE AS $$
DECLARE
    it cloakroom.sessions%ROWTYPE;
BEGIN
    it.handle := this;
    it.format := 1;
    it.epoch := present;
    it.has_ended := false;
    it.version := 0;
    it.proof := asks;
    it.ticket_issued_at := at;
    it.created_at := at;
    it.accessed_at := at;
    it.ends_at := at + lifetime;
    it.principal := who;
    it.signed_in_at := CASE WHEN who IS NULL THEN NULL ELSE at END;
    it.attributes := 0;
    it.bytes := 0;
    it.recent := '';
    RETURN it;
END
$$;

-- Puts a new ticket in the place of the one before: a renewal if there is a seed, otherwise a sign-in.
CREATE OR REPLACE FUNCTION cloakroom.change_ticket_1(
    it cloakroom.sessions, asks bytea, new_proof bytea, new_seed bytea, who text, at bigint, grace bigint
) RETURNS cloakroom.sessions LANGUAGE plpgsql STABLE AS $$
BEGIN
    it.is_superseded := new_seed IS NULL;
    it.seed := new_seed;
    it.asked_proof := NULL;
    IF it.is_superseded THEN
        it.principal := who;
        it.signed_in_at := at;
        it.asked_proof := CASE WHEN asks = it.proof THEN NULL ELSE asks END;
    END IF;
    it.previous_proof := it.proof;
    it.previous_until := at + grace;
    it.proof := new_proof;
    it.ticket_issued_at := at;
    RETURN it;
END
$$;

-- Which of a principal's other live sessions are too many for one more: those signed in to the longest ago.
CREATE OR REPLACE FUNCTION cloakroom.too_many_1(
    who text, this uuid, max_sessions integer, present bigint, moment bigint
) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    others CONSTANT uuid[] := ARRAY(
        SELECT s.handle
          FROM cloakroom.sessions s
         WHERE s.principal = who AND s.handle <> this AND s.epoch = present AND NOT s.has_ended AND moment < s.expires_at
         ORDER BY coalesce(s.signed_in_at, 0), s.handle);
BEGIN
    RETURN others[1:cardinality(others) - greatest(max_sessions, 1) + 1];
END
$$;

-- Removes the attributes whose time to live has passed, and counts them out of the session. What lapses after the session's
-- end stays.
CREATE OR REPLACE FUNCTION cloakroom.drop_lapsed_1(it cloakroom.sessions, moment bigint)
RETURNS cloakroom.sessions LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    gone record;
BEGIN
    WITH lapsed AS (
        DELETE FROM cloakroom.attributes a
         WHERE a.session = it.handle AND a.lapses_at <= least(moment, it.expires_at)
     RETURNING octet_length(a.name) + octet_length(a.content) AS size
    )
    SELECT count(*) AS attributes, coalesce(sum(l.size), 0) AS bytes INTO gone FROM lapsed l;
    it.attributes := greatest(it.attributes - gone.attributes, 0);
    it.bytes := greatest(it.bytes - gone.bytes, 0);
    it.next_lapse := (SELECT min(a.lapses_at) FROM cloakroom.attributes a WHERE a.session = it.handle);
    UPDATE cloakroom.sessions s
       SET attributes = it.attributes, bytes = it.bytes, next_lapse = it.next_lapse
     WHERE s.handle = it.handle;
    RETURN it;
END
$$;
