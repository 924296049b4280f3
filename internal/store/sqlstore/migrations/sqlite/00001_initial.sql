-- +goose Up
-- +goose StatementBegin
-- SQLite takes them all at once; to look for the end of each, goose would take 4 MiB a line.

-- Times are milliseconds since 1970-01-01T00:00:00Z, booleans 0 and 1, absent texts ''. Texts compare byte by byte.

CREATE TABLE users (
    user_id               TEXT    NOT NULL PRIMARY KEY,
    email                 TEXT    NOT NULL,
    password_hash         TEXT    NOT NULL,
    first_name            TEXT    NOT NULL,
    last_name             TEXT    NOT NULL,
    role                  TEXT    NOT NULL CHECK (role IN ('super_admin', 'admin', 'moderator', 'user', 'guest')),
    is_active             INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_email_verified     INTEGER NOT NULL CHECK (is_email_verified IN (0, 1)),
    phone                 TEXT    NOT NULL,
    avatar                TEXT    NOT NULL,
    timezone              TEXT    NOT NULL,
    locale                TEXT    NOT NULL,
    metadata              TEXT,             -- a JSON object
    last_login_at         INTEGER,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    deleted_at            INTEGER,
    session_epoch         INTEGER NOT NULL,
    kept_session_id       TEXT    NOT NULL,
    verification_token_id TEXT    NOT NULL,
    reset_token_id        TEXT    NOT NULL,
    email_change_token_id TEXT    NOT NULL,
    mailed_at             TEXT    NOT NULL, -- a JSON array of times, or ''
    last_name_folded      TEXT    NOT NULL,
    full_name_folded      TEXT    NOT NULL, -- first and last name joined by a space
    version               INTEGER NOT NULL,
    is_deleted            INTEGER NOT NULL GENERATED ALWAYS AS (deleted_at IS NOT NULL) VIRTUAL
);
-- The only UNIQUE index of users: whatever violates one violates this one.
CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX users_by_created_at ON users (is_deleted, created_at, user_id);
CREATE INDEX users_by_email ON users (is_deleted, email, user_id);
CREATE INDEX users_by_last_name ON users (is_deleted, last_name_folded, user_id);
CREATE INDEX users_by_full_name ON users (is_deleted, full_name_folded);
CREATE INDEX users_by_role ON users (is_deleted, role, created_at, user_id);
CREATE INDEX users_by_state ON users (is_deleted, role, is_active, is_email_verified);
CREATE INDEX users_unverified ON users (is_deleted, is_email_verified, created_at);
CREATE INDEX users_by_deleted_at ON users (deleted_at);

-- One row is one session: it holds the refresh token that may be used next.
CREATE TABLE refresh_tokens (
    session_id         TEXT    NOT NULL PRIMARY KEY,
    user_id            TEXT    NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    epoch              INTEGER NOT NULL,
    token_id           TEXT    NOT NULL,
    token              TEXT    NOT NULL, -- hexadecimal SHA-256
    issued_at          INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    spent              TEXT    NOT NULL, -- a JSON array of earlier tokens, or ''
    created_at         INTEGER NOT NULL,
    last_used_at       INTEGER,
    session_expires_at INTEGER NOT NULL,
    ended_at           INTEGER,
    ip                 TEXT    NOT NULL,
    user_agent         TEXT    NOT NULL,
    version            INTEGER NOT NULL
);
CREATE UNIQUE INDEX refresh_tokens_token_id ON refresh_tokens (token_id);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id, ended_at, created_at, session_id);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (ended_at, expires_at, session_expires_at);
CREATE INDEX refresh_tokens_by_expires_at ON refresh_tokens (expires_at);
CREATE INDEX refresh_tokens_by_session_expires_at ON refresh_tokens (session_expires_at);

CREATE TABLE verification_tokens (
    token_id   TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    email      TEXT    NOT NULL,
    token_type TEXT    NOT NULL, -- what it may be used for
    token      TEXT    NOT NULL, -- hexadecimal SHA-256
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
CREATE INDEX verification_tokens_by_user ON verification_tokens (user_id);
CREATE INDEX verification_tokens_by_expires_at ON verification_tokens (expires_at);

CREATE TABLE lockouts (
    lockout_key     TEXT    NOT NULL PRIMARY KEY,
    failures        INTEGER NOT NULL,
    pending         INTEGER NOT NULL,
    pending_until   INTEGER,
    last_failure_at INTEGER,
    locked_until    INTEGER,
    expires_at      INTEGER NOT NULL, -- when nothing of it counts any more, under any policy
    version         INTEGER NOT NULL
);
CREATE INDEX lockouts_by_expires_at ON lockouts (expires_at);

CREATE TABLE mails (
    mail_id    TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    to_address TEXT    NOT NULL,
    user_id    TEXT    NOT NULL, -- '': whoever has the address
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    last_error TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
);
CREATE INDEX mails_by_due_at ON mails (state, due_at, mail_id);
CREATE INDEX mails_by_updated_at ON mails (state, updated_at);
CREATE INDEX mails_by_user ON mails (user_id, to_address);

-- The audit trail refers to nothing, so that it outlives what it tells of.
CREATE TABLE events (
    event_id    TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL,
    happened_at INTEGER NOT NULL,
    actor_id    TEXT    NOT NULL,
    target_id   TEXT    NOT NULL,
    session_id  TEXT    NOT NULL,
    email_key   TEXT    NOT NULL,
    ip          TEXT    NOT NULL,
    user_agent  TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    detail      TEXT    NOT NULL -- a JSON object of texts, or ''
);
CREATE INDEX events_by_time ON events (happened_at, event_id);
CREATE INDEX events_by_actor ON events (actor_id, happened_at, event_id);
CREATE INDEX events_by_target ON events (target_id, happened_at, event_id);

-- A mark says that this version of a record is not known to be copied to the other database.
CREATE TABLE marks (
    kind      TEXT    NOT NULL,
    record_id TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    since     INTEGER NOT NULL, -- of the oldest change that is not known to be copied
    PRIMARY KEY (kind, record_id)
) WITHOUT ROWID;
CREATE INDEX marks_by_since ON marks (since, kind, record_id);

-- A tombstone keeps late copies of a purged user out.
CREATE TABLE tombstones (
    user_id   TEXT    NOT NULL PRIMARY KEY,
    version   INTEGER NOT NULL,
    purged_at INTEGER NOT NULL
);
CREATE INDEX tombstones_by_purged_at ON tombstones (purged_at);
-- +goose StatementEnd
