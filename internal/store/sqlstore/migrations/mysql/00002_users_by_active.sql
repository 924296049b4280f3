-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no CREATE INDEX IF NOT EXISTS, and the index may be there already: see the first migration.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'users' AND index_name = 'users_by_active');
SET @create = IF(@missing, 'CREATE INDEX users_by_active ON users (is_deleted, is_active, created_at, user_id)', 'DO 0');
PREPARE create_index FROM @create;
EXECUTE create_index;
DEALLOCATE PREPARE create_index;
