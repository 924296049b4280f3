package scratch

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MongoDB returns a name that no database on the server has. Drop drops the database of that name.
func MongoDB(url string) (name string, drop func() error, err error) {
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil { // its text may repeat the password
		return "", nil, errors.New("the URL of MongoDB cannot be used")
	}
	name = uniqueName()
	return name, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		err := client.Database(name).Drop(ctx)
		if err != nil {
			err = fmt.Errorf("drop %s in MongoDB: %w", name, err)
		}
		return errors.Join(err, client.Disconnect(ctx))
	}, nil
}
