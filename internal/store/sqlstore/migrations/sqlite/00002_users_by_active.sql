-- +goose Up

CREATE INDEX users_by_active ON users (is_deleted, is_active, created_at, user_id);
