# syntax=docker/dockerfile:1
# A static binary on an empty image, as a user without rights. Build arguments name the base images,
# so that a site without network access can bring its own.
ARG BUILD_IMAGE=golang:1.26
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
ARG VERSION=dev
ENV GOCACHE=/cache
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/dragoman ./cmd/dragoman \
 && mkdir -p /out/data /out/tmp && chmod 1777 /out/tmp

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="Dragoman" \
      org.opencontainers.image.description="A chat server that speaks the wire dialects of chat vendors" \
      org.opencontainers.image.licenses="Apache-2.0"
# Roots for webhooks over https.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/dragoman /dragoman
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/tmp /tmp
USER 65532:65532
WORKDIR /
VOLUME /data
EXPOSE 8080 8081 8082 8083 8084
HEALTHCHECK --interval=10s --timeout=4s --start-period=5s CMD ["/dragoman", "ping"]
ENTRYPOINT ["/dragoman"]
CMD ["serve"]
