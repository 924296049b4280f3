-- +goose NO TRANSACTION
-- +goose Up

-- Spent tokens are packed bytes instead of JSON, whose values are of use for seconds only; and one index that each refresh
-- changes serves for two. All in one statement, which may be there already: see the first migration.
SET @missing = (SELECT COUNT(*) > 0 FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'refresh_tokens' AND index_name = 'refresh_tokens_by_end');
UPDATE refresh_tokens SET spent = '' WHERE @missing AND spent <> '';
SET @alter = IF(@missing, 'ALTER TABLE refresh_tokens MODIFY spent BLOB NOT NULL,
    DROP INDEX refresh_tokens_by_end, DROP INDEX refresh_tokens_by_expires_at,
    ADD INDEX refresh_tokens_by_expires_at (expires_at, ended_at, session_expires_at)', 'DO 0');
PREPARE alter_table FROM @alter;
EXECUTE alter_table;
DEALLOCATE PREPARE alter_table;
