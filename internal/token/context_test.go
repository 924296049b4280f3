package token_test

import (
	"testing"

	"github.com/a64core/hub/internal/token"
)

func TestAContextRemembersOneTokenForOnePurpose(t *testing.T) {
	t.Parallel()
	ctx := token.WithPresented(t.Context(), token.Claims{Kind: token.Access, UserID: "u"})
	if c, ok := token.Presented(ctx, token.Access); !ok || c.UserID != "u" {
		t.Errorf("Presented = %v, %v", c.UserID, ok)
	}
	if _, ok := token.Presented(ctx, token.Refresh); ok {
		t.Error("claims of an access token serve as those of a refresh token")
	}
	if _, ok := token.Presented(t.Context(), token.Access); ok {
		t.Error("an empty context remembers a token")
	}
}
