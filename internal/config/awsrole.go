package config

import "github.com/a64core/hub"

// AWSRole is what AWS puts into the environment of a pod or a container for whoever runs there to take its role. These are no
// settings: nobody writes them, so they have no flags and no place in a file.
type AWSRole struct {
	ARN, TokenFile, Session string // of a Kubernetes service account
	STSURL                  string // empty: that of the region

	AgentURL       string // of ECS, or of the identities of EKS's pods
	AgentToken     hub.Secret
	AgentTokenFile string
}

// ecsAgent is where the agent of ECS answers in every task.
const ecsAgent = "http://169.254.170.2"

func (src Source) awsRole() AWSRole {
	variable := func(name string) string {
		value, _ := src.lookup(name)
		return value
	}
	role := AWSRole{
		ARN: variable("AWS_ROLE_ARN"), TokenFile: variable("AWS_WEB_IDENTITY_TOKEN_FILE"), Session: variable("AWS_ROLE_SESSION_NAME"),
		STSURL:   variable("AWS_ENDPOINT_URL_STS"),
		AgentURL: variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"), AgentToken: hub.NewSecret(variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")),
		AgentTokenFile: variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
	}
	if path := variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		role.AgentURL = ecsAgent + path
	}
	return role
}
