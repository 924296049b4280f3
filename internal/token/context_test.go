package token_test

import (
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

func TestAContextRemembersOneTokenForOnePurpose(t *testing.T) {
	t.Parallel()
	raw := hub.NewSecret("header.payload.mac")
	ctx := token.WithVerified(t.Context(), raw, token.Claims{Kind: token.Access, UserID: "u"})
	if c, ok := token.Verified(ctx, token.Access, hub.NewSecret("header.payload.mac")); !ok || c.UserID != "u" {
		t.Errorf("Verified = %v, %v", c.UserID, ok)
	}
	if _, ok := token.Verified(ctx, token.Refresh, raw); ok {
		t.Error("claims of an access token serve as those of a refresh token")
	}
	if _, ok := token.Verified(ctx, token.Access, hub.NewSecret("header.payload.other")); ok {
		t.Error("claims of one token serve for another")
	}
	if _, ok := token.Verified(t.Context(), token.Access, raw); ok {
		t.Error("an empty context remembers a token")
	}
}
