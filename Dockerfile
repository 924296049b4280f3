# check=error=true
#
# The hub as an image from scratch: the program, the certificates of authorities, and a folder for data. Time zones are in
# the program. For one platform or several:
#   docker build --build-arg VERSION=v1.2.3 --build-arg REVISION=$(git rev-parse HEAD) --tag a64core .
ARG GO_VERSION=1.26.8

# Go compiles for other platforms on this one, which is many times faster than emulating them.
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-trixie AS build
WORKDIR /src
# Modules change less often than code: they have a layer of their own.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION= REVISION=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags="-s -w -X main.version=$VERSION -X main.commit=$REVISION" -o /out/a64core ./cmd/a64core && mkdir /out/data

FROM scratch
ARG VERSION= REVISION=
LABEL org.opencontainers.image.title="A64 Core Platform API Hub" \
      org.opencontainers.image.description="Sign-in, sessions, users and roles behind one API" \
      org.opencontainers.image.source="https://github.com/a64core/hub" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/a64core /a64core
COPY --from=build --chown=65532:65532 /out/data /data
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
# A container's own loopback address reaches nobody: it listens on all of them.
ENV HOST=0.0.0.0 DATA_DIR=/data LOG_FORMAT=json
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s CMD ["/a64core", "healthcheck"]
ENTRYPOINT ["/a64core"]
CMD ["serve"]
