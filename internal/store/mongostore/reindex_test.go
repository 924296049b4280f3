package mongostore_test

import (
	"testing"

	"github.com/a64core/hub/internal/store/mongostore"
)

func TestReindexBuildsWhatIsMissing(t *testing.T) {
	t.Parallel()
	c, db := empty(t)
	if err := mongostore.Reindex(t.Context(), c); err == nil {
		t.Error("an empty database is not migrated by it")
	}
	_, err := mongostore.Migrate(t.Context(), c)
	must(t, "migrate", err)
	must(t, "drop index", db.Collection("users").Indexes().DropOne(t.Context(), "users_email_unique"))
	must(t, "drop index", db.Collection("events").Indexes().DropOne(t.Context(), "events_by_time"))
	if _, err := mongostore.Open(t.Context(), c); err == nil {
		t.Fatal("it opens without the index on addresses")
	}
	must(t, "reindex", mongostore.Reindex(t.Context(), c))
	findings, err := open(t, c).Verify(t.Context())
	if err != nil || len(findings) > 0 {
		t.Errorf("found %q, %v", findings, err)
	}
}
