-- +goose NO TRANSACTION
-- +goose Up

-- MySQL cannot take back a CREATE TABLE. Each statement may therefore run again after one behind it has failed.
--
-- Texts have the collation of the database, which compares code point by code point and does not pad with spaces. Absent
-- texts are ''. Times are UTC. What is indexed stays below 3072 bytes a key, at 4 bytes a character.

CREATE TABLE IF NOT EXISTS users (
    id                    BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id               VARCHAR(36)  NOT NULL,
    email                 VARCHAR(255) NOT NULL,
    password_hash         VARCHAR(255) NOT NULL,
    first_name            VARCHAR(100) NOT NULL,
    last_name             VARCHAR(100) NOT NULL,
    role                  ENUM ('super_admin', 'admin', 'moderator', 'user', 'guest') NOT NULL,
    is_active             BOOLEAN      NOT NULL,
    is_email_verified     BOOLEAN      NOT NULL,
    phone                 VARCHAR(100) NOT NULL,
    avatar                VARCHAR(500) NOT NULL,
    timezone              VARCHAR(50)  NOT NULL,
    locale                VARCHAR(35)  NOT NULL,
    metadata              LONGTEXT CHECK (metadata IS NULL OR JSON_VALID(metadata)), -- a JSON object; the type JSON would rewrite it
    last_login_at         DATETIME(3),
    created_at            DATETIME(3)  NOT NULL,
    updated_at            DATETIME(3)  NOT NULL,
    deleted_at            DATETIME(3),
    session_epoch         BIGINT       NOT NULL,
    kept_session_id       VARCHAR(100) NOT NULL,
    verification_token_id VARCHAR(36)  NOT NULL,
    reset_token_id        VARCHAR(36)  NOT NULL,
    email_change_token_id VARCHAR(36)  NOT NULL,
    mailed_at             TEXT         NOT NULL, -- a JSON array of times in milliseconds since 1970, or ''
    last_name_folded      VARCHAR(100) NOT NULL,
    full_name_folded      VARCHAR(201) NOT NULL, -- first and last name joined by a space
    version               BIGINT       NOT NULL,
    is_deleted            BOOLEAN GENERATED ALWAYS AS (deleted_at IS NOT NULL) STORED,

    UNIQUE INDEX users_user_id (user_id),
    UNIQUE INDEX users_email (email),
    INDEX users_by_created_at (is_deleted, created_at, user_id),
    INDEX users_by_email (is_deleted, email, user_id),
    INDEX users_by_last_name (is_deleted, last_name_folded, user_id),
    INDEX users_by_full_name (is_deleted, full_name_folded),
    INDEX users_by_role (is_deleted, role, created_at, user_id),
    INDEX users_by_state (is_deleted, role, is_active, is_email_verified),
    INDEX users_unverified (is_deleted, is_email_verified, created_at),
    INDEX users_by_deleted_at (deleted_at)
) ENGINE = InnoDB;

-- One row is one session: it holds the refresh token that may be used next.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    id                 BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_id         VARCHAR(36)  NOT NULL,
    user_id            VARCHAR(36)  NOT NULL,
    epoch              BIGINT       NOT NULL,
    token_id           VARCHAR(36)  NOT NULL,
    token              VARCHAR(64)  NOT NULL, -- hexadecimal SHA-256
    issued_at          DATETIME(3)  NOT NULL,
    expires_at         DATETIME(3)  NOT NULL,
    spent              TEXT         NOT NULL, -- a JSON array of earlier tokens, or ''
    created_at         DATETIME(3)  NOT NULL,
    last_used_at       DATETIME(3),
    session_expires_at DATETIME(3)  NOT NULL,
    ended_at           DATETIME(3),
    ip                 VARCHAR(64)  NOT NULL,
    user_agent         VARCHAR(255) NOT NULL,
    version            BIGINT       NOT NULL,
    is_revoked         BOOLEAN GENERATED ALWAYS AS (ended_at IS NOT NULL) VIRTUAL,

    UNIQUE INDEX refresh_tokens_session_id (session_id),
    UNIQUE INDEX refresh_tokens_token_id (token_id),
    -- For the foreign key, and before the next one: MySQL 9.7 takes a key for satisfied if a later column of the index that
    -- serves it is NULL.
    INDEX refresh_tokens_user (user_id),
    INDEX refresh_tokens_by_user (user_id, ended_at, created_at, session_id),
    INDEX refresh_tokens_by_end (ended_at, expires_at, session_expires_at),
    INDEX refresh_tokens_by_expires_at (expires_at),
    INDEX refresh_tokens_by_session_expires_at (session_expires_at),
    CONSTRAINT refresh_tokens_user FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS verification_tokens (
    id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    token_id   VARCHAR(36)  NOT NULL,
    user_id    VARCHAR(36)  NOT NULL,
    email      VARCHAR(255) NOT NULL,
    token_type VARCHAR(32)  NOT NULL, -- what it may be used for
    token      VARCHAR(64)  NOT NULL, -- hexadecimal SHA-256
    created_at DATETIME(3)  NOT NULL,
    expires_at DATETIME(3)  NOT NULL,
    used_at    DATETIME(3),
    is_used    BOOLEAN GENERATED ALWAYS AS (used_at IS NOT NULL) VIRTUAL,

    UNIQUE INDEX verification_tokens_token_id (token_id),
    INDEX verification_tokens_by_user (user_id),
    INDEX verification_tokens_by_expires_at (expires_at),
    CONSTRAINT verification_tokens_user FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS lockouts (
    lockout_key     VARCHAR(64) NOT NULL PRIMARY KEY,
    failures        INT         NOT NULL,
    pending         INT         NOT NULL,
    pending_until   DATETIME(3),
    last_failure_at DATETIME(3),
    locked_until    DATETIME(3),
    expires_at      DATETIME(3) NOT NULL, -- when nothing of it counts any more, under any policy
    version         BIGINT      NOT NULL,

    INDEX lockouts_by_expires_at (expires_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS mails (
    mail_id    VARCHAR(36)  NOT NULL PRIMARY KEY,
    kind       VARCHAR(32)  NOT NULL,
    to_address VARCHAR(255) NOT NULL,
    user_id    VARCHAR(36)  NOT NULL, -- '': whoever has the address
    state      VARCHAR(16)  NOT NULL,
    attempts   INT          NOT NULL,
    due_at     DATETIME(3)  NOT NULL,
    last_error VARCHAR(255) NOT NULL,
    created_at DATETIME(3)  NOT NULL,
    updated_at DATETIME(3)  NOT NULL,
    version    BIGINT       NOT NULL,

    INDEX mails_by_due_at (state, due_at, mail_id),
    INDEX mails_by_updated_at (state, updated_at),
    INDEX mails_by_user (user_id, to_address)
) ENGINE = InnoDB;

-- The audit trail refers to nothing, so that it outlives what it tells of.
CREATE TABLE IF NOT EXISTS events (
    event_id    VARCHAR(36)  NOT NULL PRIMARY KEY,
    kind        VARCHAR(64)  NOT NULL,
    happened_at DATETIME(3)  NOT NULL,
    actor_id    VARCHAR(64)  NOT NULL,
    target_id   VARCHAR(64)  NOT NULL,
    session_id  VARCHAR(64)  NOT NULL,
    email_key   VARCHAR(64)  NOT NULL,
    ip          VARCHAR(64)  NOT NULL,
    user_agent  VARCHAR(255) NOT NULL,
    request_id  VARCHAR(128) NOT NULL,
    detail      TEXT         NOT NULL, -- a JSON object of texts, or ''

    INDEX events_by_time (happened_at, event_id),
    INDEX events_by_actor (actor_id, happened_at, event_id),
    INDEX events_by_target (target_id, happened_at, event_id)
) ENGINE = InnoDB;

-- A mark says that this version of a record is not known to be copied to the other database.
CREATE TABLE IF NOT EXISTS marks (
    kind      VARCHAR(16) NOT NULL,
    record_id VARCHAR(64) NOT NULL,
    version   BIGINT      NOT NULL,
    since     DATETIME(3) NOT NULL, -- of the oldest change that is not known to be copied

    PRIMARY KEY (kind, record_id),
    INDEX marks_by_since (since, kind, record_id)
) ENGINE = InnoDB;

-- A tombstone keeps late copies of a purged user out.
CREATE TABLE IF NOT EXISTS tombstones (
    user_id   VARCHAR(36) NOT NULL PRIMARY KEY,
    version   BIGINT      NOT NULL,
    purged_at DATETIME(3) NOT NULL,

    INDEX tombstones_by_purged_at (purged_at)
) ENGINE = InnoDB;
